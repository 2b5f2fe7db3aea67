"""A returned Steckbrief, mailed in: recognised, kept with all that it says, thanked for once, evaluated."""

from __future__ import annotations

import csv
import io
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import openpyxl
import pikepdf
import pypdf
import pytest
from filled_forms import ANSWERS, FOLDER, by_libreoffice, by_pdfium, by_pdftk, expected, pdf
from office import reply
from pikepdf import Dictionary, Name, String
from scenes import Killed, balance, persons, received, rows, to_invitees

from rsvp_mailer.domain import SheetState
from rsvp_mailer.store.tables import mail, outgoing, sheet, task

if TYPE_CHECKING:
    from office import Office

ANNA = "anna.berg@verein.example"
PDF_TYPE = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def bringing(octets: bytes, file: str, words: str = "", content_type: str = PDF_TYPE, **more: object) -> bytes:
    """A mail with a file attached."""
    made = message_from_bytes(reply(words, **more), policy=policy.SMTP)
    kind, _, subtype = content_type.partition("/")
    made.add_attachment(octets, maintype=kind, subtype=subtype, filename=file)
    return made.as_bytes()


def with_javascript() -> bytes:
    with pikepdf.open(io.BytesIO(pdf("de"))) as document:
        document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


def kinds(office: Office) -> list[str]:
    return [row.kind for row in to_invitees(office)]


def todo(office: Office) -> list[str]:
    return [row.kind for row in rows(office, task) if row.done_at is None]


def test_a_sheet_alone_is_kept_word_for_word_thanked_for_once_and_no_acceptance(
    each_office, account, smtp_server, tmp_path
):
    first = by_pdftk("ar")
    account.append(bringing(first, "Scan 1.pdf", subject="Unterlagen", in_reply_to=None))
    each_office.poll()
    (kept,) = rows(each_office, sheet)
    assert (kept.person, kept.state, kept.form, kept.version) == (ANNA, "filled", "STECKBRIEF-AR-1", 1)
    assert kept.fields == expected()
    with each_office.app() as app, app.store.reading() as tx:
        assert tx.sheets.octets(kept.id) == first
    assert persons(each_office) == {}
    (thanks,) = received(smtp_server, ANNA)
    assert "Steckbrief" in thanks.message["Subject"]
    assert [part.get_filename() for part in thanks.message.iter_attachments()] == []

    account.append(bringing(by_pdfium(tmp_path, "ar", gaps="Neu"), "neu.pdf"))
    each_office.poll()
    assert [row.version for row in rows(each_office, sheet)] == [1, 2]
    assert kinds(each_office) == ["thanks"]
    assert todo(each_office) == []
    balance(each_office)


def test_a_yes_with_a_sheet_is_a_yes_and_gets_no_empty_form_back(office, account, smtp_server, tmp_path):
    octets = by_libreoffice(tmp_path, "de", "docx")
    words = "Guten Tag, wir kommen zu zweit. Den Steckbrief schicke ich mit. Anna Berg"
    account.append(bringing(octets, "unser verein.docx", words, WORD))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 2)}
    (kept,) = rows(office, sheet)
    assert (kept.state, kept.fields) == ("filled", expected())
    assert sorted(kinds(office)) == ["confirmation", "thanks"]
    assert not any(row.brings_steckbrief for row in rows(office, outgoing))
    assert len(received(smtp_server, ANNA)) == 2


@pytest.mark.parametrize(
    ("make", "name", "content_type", "state"),
    [
        (lambda: pdf("de"), "steckbrief-de.pdf", PDF_TYPE, "blank"),
        (with_javascript, "steckbrief-de.pdf", PDF_TYPE, "unsafe"),
        (lambda: b"%PDF-1.7 kaputt", "Steckbrief.pdf", PDF_TYPE, "unreadable"),
    ],
)
def test_what_no_program_can_use_waits_for_a_person_without_thanks(
    office, account, command, tmp_path, make, name, content_type, state
):
    octets = make()
    account.append(bringing(octets, name, "", content_type))
    office.poll()
    (kept,) = rows(office, sheet)
    assert (kept.state, kept.fields if state == "unsafe" else {}) == (state, {})
    assert todo(office) == ["sheet_to_read"]
    assert kinds(office) == []
    with office.app() as app, app.store.reading() as tx:
        assert tx.sheets.octets(kept.id) == octets
    assert "look at a returned Steckbrief" in command(office, "tasks", "list").out
    saved = command(office, "steckbrief", "save", str(kept.id), "--out", str(tmp_path))
    assert saved.status == (2 if state == "unsafe" else 0)
    assert ("--unsafe" in saved.err) == (state == "unsafe")
    balance(office)


def test_a_photo_is_thanked_for_and_waits_for_a_person(office, account):
    photo = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 80
    account.append(bringing(photo, "Steckbrief Foto.jpg", "Anbei unser Steckbrief.", "image/jpeg"))
    office.poll()
    assert [(row.state, row.rule) for row in rows(office, sheet)] == [("to_read", "scan")]
    assert todo(office) == ["sheet_to_read"]
    assert kinds(office) == ["thanks"]


def test_a_held_mail_keeps_its_sheet_and_is_thanked_for_it_when_somebody_has_decided(office, account, command):
    account.append(bringing(by_pdftk("de"), "a.pdf", "Anbei der Steckbrief. Ist der Saal barrierefrei?"))
    office.poll()
    assert [row.state for row in rows(office, mail)] == ["held"]
    assert [row.state for row in rows(office, sheet)] == ["filled"]
    assert kinds(office) == []
    assert command(office, "review", "correct", "1", "yes", "2").status == 0
    assert sorted(kinds(office)) == ["confirmation", "thanks"]
    assert len(rows(office, sheet)) == 1


def test_automatic_mail_and_forged_senders_get_no_thanks(office, account, tmp_path):
    octets = by_pdftk("de")
    account.append(bringing(octets, "a.pdf", "Ich bin im Urlaub.", headers={"Auto-Submitted": "auto-replied"}))
    forged = {"Authentication-Results": "mx.office.example; dmarc=fail header.from=verein.example"}
    account.append(bringing(octets, "b.pdf", "", sender="ben@verein.example", name="Ben", headers=forged))
    office.poll()
    assert [row.person for row in rows(office, sheet)] == ["ben@verein.example"]
    assert kinds(office) == []
    assert todo(office) == ["sheet_to_read"]


def test_whoever_asks_gets_the_form_again_with_the_word_file(office, account, smtp_server):
    account.append(reply("Guten Tag, wir kommen zu zweit. Anna Berg"))
    office.poll()
    account.append(reply("Wir kommen zu zweit. Bitte schicken Sie uns den Steckbrief noch einmal als Word-Datei."))
    office.poll()
    if [row.reason for row in rows(office, mail)][1].startswith("nothing_new"):
        assert kinds(office) == ["confirmation", "steckbrief"]
        names = [part.get_filename() for part in received(smtp_server, ANNA)[1].message.iter_attachments()]
        assert names == ["steckbrief-de.pdf", "steckbrief-de.docx", "steckbrief-de-einfach.pdf"]
        office.poll()
        assert kinds(office) == ["confirmation", "steckbrief"]
    else:
        pytest.fail("this reply should be clear")


def test_a_person_at_the_office_sends_the_form(office, command, smtp_server):
    assert command(office, "steckbrief", "send", "neu@verein.example", "--language", "ar").status == 0
    office.send_due()
    (sent,) = received(smtp_server, "neu@verein.example")
    names = [part.get_filename() for part in sent.message.iter_attachments()]
    assert names == ["steckbrief-ar.pdf", "steckbrief-ar.docx", "steckbrief-de.pdf"]
    assert command(office, "steckbrief", "send", "keine adresse").status == 2


def test_mail_and_sheet_are_written_together_or_not_at_all(office, account, monkeypatch, tmp_path):
    account.append(bringing(by_pdftk("de"), "a.pdf"))
    with monkeypatch.context() as patched:

        def killed(*_: object, **__: object) -> None:
            raise Killed

        patched.setattr("rsvp_mailer.intake.settle", killed)
        with pytest.raises(Killed):
            office.poll()
    assert rows(office, sheet) == []
    assert rows(office, mail) == []
    office.poll()
    assert len(rows(office, sheet)) == len(rows(office, mail)) == 1


@pytest.fixture
def evaluated(office, account, tmp_path):
    """Three sheets: one that may be shown, one that may not, one that nobody could read."""
    account.append_all(
        [
            bringing(by_pdftk("de"), "a.pdf"),
            bringing(by_pdftk("fa", name="انجمن دوستی"), "b.pdf", sender="ben@verein.example", name="Ben"),
            bringing(with_javascript(), "c.pdf", sender="eva@verein.example", name="Eva"),
        ]
    )
    office.poll()
    return office


def test_the_evaluation(evaluated, command, tmp_path):
    """List, show, and all four exports; no cell is a formula, nothing is shown to others without consent."""
    listed = command(evaluated, "steckbrief", "list").out
    assert "Sprachcafé" in listed
    assert "NOT OPENED, unsafe (pdf.javascript)" in listed
    shown = command(evaluated, "steckbrief", "show", "1").out
    assert "4. Was fehlt?\n    Räume (groß)" in shown
    assert command(evaluated, "steckbrief", "show", "99").status == 2

    def exported(kind, *more):
        out = tmp_path / f"out-{len(more)}.{kind}"
        done = command(evaluated, "steckbrief", "export", "--format", kind, "--out", str(out), *more)
        assert done.status == 0, done.err
        assert out.stat().st_mode & 0o077 == 0
        return out

    table = list(csv.reader(io.StringIO(exported("csv").read_text("utf-8-sig"))))
    assert len(table) == 4
    assert not [cell for row in table for cell in row if cell[:1] in set("=+-@\t\r")]
    assert "'" + ANSWERS["address"] in table[1]
    assert ANSWERS["offers"] in table[1]

    page = openpyxl.load_workbook(exported("xlsx")).active
    cells = [cell for row in page.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert ANSWERS["address"] in {cell.value for cell in cells}

    html = exported("html").read_text("utf-8")
    assert "http" not in html.replace(ANSWERS["website"], "").replace("HYPERLINK(&#34;http://example.org", "")
    assert "انجمن دوستی" in html
    text = "".join(each.extract_text() for each in pypdf.PdfReader(exported("pdf")).pages)
    assert "Antworten nach Fragen" in text
    assert "Sprachcafé" in text

    public = exported("html", "--shared").read_text("utf-8")
    assert "Sprachcafé" in public
    assert ANSWERS["phone"] not in public
    assert ANNA not in public


def test_before_any_sheet_came_every_command_says_so(office, command, tmp_path):
    assert "no sheet came back yet" in command(office, "steckbrief", "list").out
    for kind in ("csv", "xlsx", "html", "pdf"):
        done = command(office, "steckbrief", "export", "--format", kind, "--out", str(tmp_path / f"leer.{kind}"))
        assert done.status == 0, done.err
    assert "Noch ist kein" in (tmp_path / "leer.html").read_text("utf-8")
    again = command(office, "steckbrief", "export", "--format", "csv", "--out", str(tmp_path / "leer.csv"))
    assert again.status == 2
    assert "is there already" in again.err


def test_states_are_those_of_the_schema():
    names = {each.value for each in SheetState}
    check = next(each for each in sheet.constraints if "state" in str(getattr(each, "sqltext", "")))
    assert all(f"'{name}'" in str(check.sqltext) for name in names)
    assert (FOLDER / "form.toml").exists()
