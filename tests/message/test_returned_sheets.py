"""A returned Steckbrief is known by what is in it, whatever its name; nothing else is taken for one."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage

import pikepdf
import pytest
from filled_forms import pdf

from rsvp_mailer.domain import Kind, RawMail
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.message.steckbrief import is_form

WORD = ("application", "vnd.openxmlformats-officedocument.wordprocessingml.document")


def saved(mode: str, **more: object) -> bytes:
    with pikepdf.open(io.BytesIO(pdf("de"))) as document:
        out = io.BytesIO()
        document.save(out, object_stream_mode=getattr(pikepdf.ObjectStreamMode, mode), **more)
    return out.getvalue()


def other_pdf() -> bytes:
    with pikepdf.new() as document:
        document.add_blank_page()
        document.Root.AcroForm = pikepdf.Dictionary(
            Fields=pikepdf.Array([document.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="name"))])
        )
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


def mail(*files: tuple[bytes, str], words: str = "", subject: str = "Unterlagen", **headers: str) -> RawMail:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Anna <anna@verein.example>", "buero@office.example", subject
    made["Message-ID"] = "<1@verein.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(words)
    for octets, name in files:
        made.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
    return RawMail(made.as_bytes())


def parsed(event, identity, *arguments, **more):
    message = parse_message(mail(*arguments, **more), event, identity)
    return message.kind, message.kind_rule, [each.name for each in message.sheets]


@pytest.mark.parametrize(
    "octets",
    [
        pdf("ar"),
        saved("disable"),
        saved("generate"),
        b"%PDF-1.4\n/T (steckbrief_name)",
        b"%PDF-1.4\n/T <FEFF" + "steckbrief_name".encode("utf-16-be").hex().upper().encode() + b">",
        b"%PDF-1.4\n/T (\xfe\xff" + "steckbrief_name".encode("utf-16-be") + b")",
        b"Steckbrief\nVerein: ja\nSTECKBRIEF-DE-EINFACH-1\n",
    ],
)
def test_a_form_is_known_however_it_was_saved(event, identity, octets):
    assert is_form(octets)
    assert parsed(event, identity, (octets, "Scan0001.bin")) == (Kind.STECKBRIEF, "steckbrief.form", ["Scan0001.bin"])


def packed(body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", body)
    return out.getvalue()


@pytest.mark.parametrize(
    "octets",
    [other_pdf(), b"%PDF-1.4 /ObjStm >> stream\nxxxx", packed(b"<w:t>Rechnung</w:t>"), b"PK\x03\x04", b"", bytes(100)],
)
def test_other_files_are_none(event, identity, octets):
    assert not is_form(octets)
    _, rule, names = parsed(event, identity, (octets, "rechnung.pdf"))
    assert not rule.startswith("steckbrief")
    assert names == []


def test_a_code_that_a_word_processor_has_cut_into_pieces_is_found():
    assert is_form(packed(b"<w:t>STECKBRIEF-</w:t></w:r><w:r><w:t>AR-1</w:t>"))


def test_words_beside_it_are_left_to_the_reading(event, identity):
    kind, rule, names = parsed(event, identity, (pdf("de"), "a.pdf"), words="Wir kommen zu zweit.")
    assert (kind, rule, names) == (None, "steckbrief.form", ["a.pdf"])


def test_a_forwarded_sheet_is_kept_but_decides_nothing(event, identity):
    kind, rule, names = parsed(event, identity, (pdf("de"), "a.pdf"), words="Zur Info", subject="WG: Steckbrief")
    assert (kind, rule, names) == (None, "", ["a.pdf"])


def test_automatic_mail_brings_none(event, identity):
    kind, _, names = parsed(event, identity, (pdf("de"), "a.pdf"), words="Bin weg.", Auto_Submitted="auto-replied")
    assert (kind, names) == (Kind.AUTO_REPLY, [])


def test_the_same_file_twice_is_one_sheet_and_five_are_enough(event, identity):
    files = [(pdf("de"), "a.pdf"), (pdf("de"), "b.pdf")]
    assert len(parsed(event, identity, *files)[2]) == 1
    many = [(saved("disable") + b"\n%" + str(n).encode(), f"{n}.pdf") for n in range(8)]
    assert len(parsed(event, identity, *many)[2]) == 5
