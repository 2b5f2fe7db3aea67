"""Returned forms are read as they were filled in, by whatever program; hostile ones are kept and not opened."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import filled_forms
import pikepdf
import pytest
from filled_forms import ANSWERS, FOLDER, by_libreoffice, by_pdfium, by_pdftk, expected, pdf
from pikepdf import Array, Dictionary, Name, String

from rsvp_mailer.domain import SheetFile, SheetState
from rsvp_mailer.errors import TemporaryError
from rsvp_mailer.message.steckbrief import is_form
from rsvp_mailer.steckbrief.examine import Examiner
from rsvp_mailer.steckbrief.form import load_form
from rsvp_mailer.steckbrief.returned import examine_octets

FORM = load_form(FOLDER)
WORD = "word/document.xml"


def read(octets):
    found = examine_octets(octets, FORM)
    return found["state"], found["form"], found["fields"]


@pytest.mark.parametrize("code", ["de", "ar"])
def test_what_pdftk_fills_in_is_read_back(tmp_path, code):
    octets = by_pdftk(code)
    assert is_form(octets)
    assert read(octets) == (SheetState.FILLED, f"STECKBRIEF-{code.upper()}-1", expected())


@pytest.mark.parametrize("code", ["de-einfach", "ckb"])
def test_what_is_typed_in_chromium_is_read_back(tmp_path, code):
    octets = by_pdfium(tmp_path, code)
    assert is_form(octets)
    assert read(octets) == (SheetState.FILLED, f"STECKBRIEF-{code.upper()}-1", expected())


@pytest.mark.parametrize(("code", "kind"), [("de", "docx"), ("fa", "odt")])
def test_what_libreoffice_fills_in_is_read_back(tmp_path, code, kind):
    octets = by_libreoffice(tmp_path, code, kind)
    assert is_form(octets)
    assert read(octets) == (SheetState.FILLED, f"STECKBRIEF-{code.upper()}-1", expected())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("steckbrief-*")), ids=lambda path: path.name)
def test_a_blank_form_is_told_from_a_filled_one(path):
    octets = path.read_bytes()
    state, form, fields = read(octets)
    assert is_form(octets)
    assert (state, form) == (SheetState.BLANK, f"STECKBRIEF-{path.stem.removeprefix('steckbrief-').upper()}-1")
    assert set(fields) == set(expected())


def test_answers_on_the_lines_of_their_questions_and_copied_into_plain_text():
    wording = FORM.wordings["de"]
    lines = [wording.title]
    for section, field in FORM.walk():
        label = wording.fields[field.id]
        lines += [wording.sections[section.id]]
        lines += [f"[x] {label}" if field.id == "share_no" else label if field.kind == "box" else f"{label}: so"]
    state, _, fields = read("\r\n".join(lines).encode())
    assert state is SheetState.FILLED
    assert fields == {**dict.fromkeys(ANSWERS, "so"), "share_yes": "", "share_contact": "", "share_no": "yes"}


@pytest.mark.parametrize(
    ("octets", "state", "rule"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(20_000), "to_read", "scan"),
        (b"{\\rtf1 Hallo}", "to_read", "document.other_format"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "to_read", "document.other_format"),
        ("Ein Brief über uns.".encode(), "to_read", "document.other_format"),
        (b"PK\x03\x04 kaputt", "unreadable", "document.damaged"),
        (b"%PDF-1.7\nkaputt", "unreadable", "pdf.damaged"),
    ],
)
def test_what_no_program_reads_is_left_to_a_person(octets, state, rule):
    found = examine_octets(octets, FORM)
    assert (found["state"], found["rule"]) == (state, rule)


def test_what_was_written_upon_a_blank_form_is_left_to_a_person():
    """Telephones write upon the page instead of into the fields."""

    def written_upon(document):
        note = Dictionary(Type=Name.Annot, Subtype=Name.FreeText, Rect=Array([60, 600, 300, 620]), F=4)
        note.Contents = String("Sprachcafé")
        document.pages[0].Annots.append(document.make_indirect(note))

    found = examine_octets(changed(written_upon), FORM)
    assert (found["state"], found["rule"]) == (SheetState.TO_READ, "pdf.drawn_upon")
    scanned = examine_octets(packed(parts_of("steckbrief-de.docx") | {"word/media/image1.jpg": b"x"}), FORM)
    assert (scanned["state"], scanned["rule"]) == (SheetState.TO_READ, "document.pictures")


def test_without_the_source_of_the_form_the_fields_of_a_pdf_are_read_all_the_same(tmp_path):
    found = examine_octets(by_pdftk("de"), None)
    assert (found["state"], found["fields"]) == (SheetState.FILLED, expected())


# --- hostile ------------------------------------------------------------------------------------------------------


def changed(change, **save):
    with pikepdf.open(io.BytesIO(pdf("de"))) as document:
        change(document)
        out = io.BytesIO()
        document.save(out, **save)
    return out.getvalue()


def with_javascript(document):
    document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def with_hidden_javascript(document):
    """Nothing in the tree refers to it: a program that repairs the file might find it."""
    document.Root.PieceInfo = document.make_indirect(
        Dictionary(X=Dictionary(Y=Array([Dictionary(S=Name.JavaScript, JS=document.make_stream(b"app.alert(1)"))])))
    )


def with_file_inside(document):
    document.attachments["rechnung.exe"] = b"MZ..."


def with_xfa(document):
    document.Root.AcroForm.XFA = Array([String("template"), document.make_stream(b"<template/>")])


def with_launch(document):
    document.pages[0].Annots[0].A = Dictionary(S=Name.Launch, F=String("cmd.exe"))


def with_sending(document):
    document.pages[0].Annots[0].AA = Dictionary(U=Dictionary(S=Name.SubmitForm, F=String("https://example.org")))


def with_many_pages(document):
    for _ in range(1_000):
        document.add_blank_page()


def with_bomb(document):
    packed = zlib.compress(bytes(100_000_000), 9)
    stream = pikepdf.Stream(document, b"")
    stream.write(packed, filter=Name.FlateDecode)
    document.Root.Bomb = document.make_indirect(stream)


def with_bomb_in_bomb(document):
    stream = pikepdf.Stream(document, b"")
    stream.write(zlib.compress(zlib.compress(zlib.compress(bytes(1000)))), filter=Array([Name.FlateDecode] * 3))
    document.Root.Bomb = document.make_indirect(stream)


def with_depth(document):
    nested = Array([])
    for _ in range(60):
        nested = Array([nested])
    document.Root.Deep = nested


def locked(_document):
    pass


HOSTILE = {
    with_javascript: ("unsafe", "pdf.javascript"),
    with_hidden_javascript: ("unsafe", "pdf.javascript"),
    with_file_inside: ("unsafe", "pdf.embedded_files"),
    with_xfa: ("unsafe", "pdf.xfa"),
    with_launch: ("unsafe", "pdf.launches_programs"),
    with_sending: ("unsafe", "pdf.sends_data"),
    with_many_pages: ("unsafe", "pdf.too_many_pages"),
    with_bomb: ("unsafe", "pdf.packed_too_large"),
    with_bomb_in_bomb: ("unsafe", "pdf.packed_too_deep"),
    with_depth: ("unsafe", "pdf.too_deep"),
    locked: ("unreadable", "pdf.password"),
}


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_hostile_pdfs_are_kept_aside(change):
    how = {"compress_streams": False, "stream_decode_level": pikepdf.StreamDecodeLevel.none}
    if change is locked:
        how = {"encryption": pikepdf.Encryption(owner="o", user="u")}
    octets = changed(change, **how)
    found = examine_octets(octets, FORM)
    assert (found["state"], found["rule"]) == HOSTILE[change]
    assert not found["fields"]


def packed(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, octets in parts.items():
            package.writestr(name, octets)
    return out.getvalue()


def parts_of(name):
    with zipfile.ZipFile(FOLDER / name) as package:
        return {each: package.read(each) for each in package.namelist()}


REMOTE = (
    b'<Relationships><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    b'attachedTemplate" Target="https://example.org/x.dotm" TargetMode="External"/></Relationships>'
)
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("extra", "rule"),
    [
        ({"word/vbaProject.bin": b"x"}, "document.macros"),
        ({"word/embeddings/oleObject1.bin": b"x"}, "document.embedded_files"),
        ({"word/_rels/settings.xml.rels": REMOTE}, "document.remote_parts"),
        ({WORD: ENTITIES}, "document.entities"),
        ({WORD: bytes(50_000_000)}, "document.too_large"),
        ({f"word/{number}.xml": b"" for number in range(1_500)}, "document.too_many_parts"),
    ],
)
def test_hostile_word_files_are_kept_aside(extra, rule):
    found = examine_octets(packed(parts_of("steckbrief-de.docx") | extra), FORM)
    assert (found["state"], found["rule"]) == ("unsafe", rule)


def test_whatever_a_file_does_it_does_to_a_process_of_its_own(monkeypatch):
    """Time and memory are limited from outside; what comes back then is a sheet that was not opened."""
    examiner = Examiner(FOLDER)
    file = SheetFile("a.pdf", "application/pdf", pdf("de"))
    (fine,) = examiner.examine_all([file])
    assert fine.state is SheetState.BLANK
    monkeypatch.setattr("rsvp_mailer.steckbrief.examine._LONGEST_S", 0.001)
    (slow,) = examiner.examine_all([file])
    assert (slow.state, slow.rule) == (SheetState.UNSAFE, "takes_too_long")


def test_a_machine_that_starts_no_process_is_no_fault_of_the_sheet(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(TemporaryError):
        Examiner(FOLDER).examine_all([SheetFile("a.pdf", "application/pdf", pdf("de"))])


def test_a_photo_starts_no_process(monkeypatch):
    monkeypatch.setattr("subprocess.run", None)
    (sheet,) = Examiner(FOLDER).examine_all([SheetFile("a.jpg", "image/jpeg", b"\xff\xd8\xff")])
    assert (sheet.state, sheet.rule) == (SheetState.TO_READ, "scan")


def test_the_helper_covers_every_field():
    assert {field.id for field in FORM.fields} == set(expected())
    assert Path(filled_forms.__file__).exists()
