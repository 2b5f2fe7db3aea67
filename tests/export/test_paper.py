"""What is printed: the list at the door, and the sheet for caterer and interpreters."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pikepdf
import pytest
from invited import EVENT, GUESTS, MAYBE, YES
from servers import absent, find_program

from rsvp_mailer.errors import TemporaryError
from rsvp_mailer.export import door_list
from rsvp_mailer.export.door_list import family_name
from rsvp_mailer.export.kinds import Kind
from rsvp_mailer.typesetting import pdf

if TYPE_CHECKING:
    from pathlib import Path

COMING = {person: each for person, each in GUESTS.items() if each.attendance in {YES, MAYBE} and not each.part_of}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is printed depends on no database."""
    return sqlite_url


def text_of(octets: bytes) -> str:
    """What poppler reads, in the order of the page."""
    if find_program("pdftotext") is None:
        absent("poppler is not installed (Debian: apt-get install poppler-utils)")
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=octets, capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


def bare(text: str) -> str:
    """Without the marks of direction that poppler puts around a right-to-left run."""
    return re.sub(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", text)


@pytest.fixture
def doors(exported) -> str:
    return bare(text_of(exported(Kind.DOORS)))


def test_everybody_who_may_come_is_on_the_list_once(doors):
    listed = doors[: doors.index("Ohne Anmeldung gekommen")]
    for person, answer in COMING.items():
        first_word = (answer.name or person).split()[0].split("/")[0]
        assert listed.count(first_word) == 1, first_word
    for absent_one in ("Nora Nein", "Gerda Gegangen"):
        assert absent_one not in doors
    assert doors.count("Mia Ohm") == 1, "counted in Zeki Arslan's group, and named there"


def test_the_order_is_that_of_a_dictionary(doors):
    """Umlauts beside their vowel, Arabic script behind Latin; a C sort would put Ärmel last."""
    wanted = ["Jürgen Ärmel", "Dr. Ruth Arnold", "Zeki Arslan", "Olga Offen", "verein@example.org", "محمد العلي"]
    places = [doors.index(name) for name in wanted]
    assert places == sorted(places)


def test_sizes_and_remarks_stand_beside_the_name(doors):
    def line(name: str) -> str:
        """From a name on, a little further than its row: a remark may take two lines."""
        lines = doors.splitlines()
        first = next(number for number, line in enumerate(lines) if name in line)
        return " ".join(lines[max(0, first - 2) : first + 3])

    assert re.search(r"\b14\b", line("Ärmel"))
    assert "Dolmetschen: Kurdisch" in line("Ärmel")
    assert "kommt um 17:45" in line("Arnold")
    assert "Zahl offen" in line("Olga Offen")
    assert "vielleicht" in line("ڕەشید")
    assert "mit Karl Ohm, Mia Ohm" in doors


def test_arabic_names_are_shaped_and_can_be_copied(exported):
    """Joined letters are glyphs of their own; the text behind them stays the letters that were written."""
    octets = exported(Kind.DOORS)
    assert "محمد العلي" in bare(text_of(octets))
    with pikepdf.open(io.BytesIO(octets)) as document:
        fonts = {str(font["/BaseFont"]) for page in document.pages for font in page.resources.get("/Font", {}).values()}
    assert any("NotoSansArabic" in font for font in fonts)
    assert all("Noto" in font for font in fonts), "nothing but fonts of our own"


@pytest.mark.parametrize("kind", [Kind.DOORS, Kind.PLANNING])
def test_pdfs_are_tagged(exported, kind):
    with pikepdf.open(io.BytesIO(exported(kind))) as document:
        root = document.Root
        assert root.MarkInfo.Marked
        assert root.Lang == "de"
        assert root.ViewerPreferences.DisplayDocTitle
        with document.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert EVENT.title in metadata["dc:title"]
        roles = set()

        def walk(node: pikepdf.Object) -> None:
            roles.add(str(node.get("/S", "")))
            children = node.get("/K", [])
            for child in children if isinstance(children, pikepdf.Array) else [children]:
                if isinstance(child, pikepdf.Dictionary):
                    walk(child)

        walk(root.StructTreeRoot)
    assert {"/H1", "/Table", "/TR", "/TH", "/TD"} <= roles


def test_a_long_list_comes_in_volumes(exported, monkeypatch):
    monkeypatch.setattr(door_list.volumes, "__kwdefaults__", {"most": 4})
    archive = zipfile.ZipFile(io.BytesIO(exported(Kind.DOORS)))
    assert archive.namelist() == ["tuerliste-001.pdf", "tuerliste-002.pdf", "tuerliste-003.pdf"]
    texts = [bare(text_of(archive.read(name))) for name in archive.namelist()]
    assert "Teil 1 von 3" in texts[0]
    assert ["Ohne Anmeldung gekommen" in text for text in texts] == [False, False, True]
    assert sum(text.count("Zeki Arslan") for text in texts) >= 1


def test_an_empty_list_says_so(engine, exported):
    from sqlalchemy import update

    from rsvp_mailer.store.guest_tables import guest

    with engine.begin() as connection:
        connection.execute(update(guest).values(attendance="no"))
    assert "Noch hat niemand zugesagt." in text_of(exported(Kind.DOORS))


def test_the_planning_sheet_has_figures_and_no_names(exported):
    text = bare(text_of(exported(Kind.PLANNING)))
    for person, answer in GUESTS.items():
        assert person not in text
        for word in answer.name.split():
            assert len(word) < 4 or word not in text, word
    certain = sum((each.party_size or 1) for each in COMING.values() if each.attendance is YES)
    assert re.search(rf"\b{certain} – {certain + 1}\b", text), "the range"
    for line in (r"Kurdisch\s+2\s+15", r"Arabisch\s+1\s+2", r"Essen\s+1", r"17:45\s+1", r"19:00\s+1"):
        assert re.search(line, text), line
    assert "Dienstag, 14. November 2017" in text


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Anna Berg", "Berg"),
        ("Dr. Anna von Berg", "Berg"),
        ("Frau von der Heide", "Heide"),
        ("Jan van der Meer", "van der Meer"),
        ("Berg, Anna", "Berg"),
        ("Frau A", "A"),
        ("Ayşe", "Ayşe"),
        ("Verein Brücke e.V.", "Brücke"),
        ("Jürgen Ärmel (AWO)", "Ärmel"),
        ("محمد العلي", "محمد"),
        ("Dr.", "Dr."),
        ("", ""),
    ],
)
def test_the_family_name_is_found(name: str, family: str):
    before, found, behind = family_name(name)
    assert found == family
    assert before + found + behind == name


def test_a_name_cannot_be_markup(exported, store):
    from rsvp_mailer.domain import Answer

    wild = '#panic("x") *b* $x$ "q" \\ #set page(paper: "a5") // /* 日本'
    with store.writing() as tx:
        answer = Answer(YES, 1, name=wild)
        where = {"person": "w@example.org", "event": EVENT.id, "now": EVENT.starts_at, "by": "auto"}
        tx.answers.append(answer, **where, mail_id=None, ruling_id=None)
    assert '#panic("x") *b* $x$' in text_of(exported(Kind.DOORS))


def test_a_template_at_fault_is_named_and_quotes_nothing(tmp_path: Path):
    template = tmp_path / "broken.typ"
    template.write_text("#let v = json(bytes(sys.inputs.values))\n#v.missing", encoding="utf-8")
    with pytest.raises(TemporaryError, match=r"broken.typ could not be set") as caught:
        pdf(template, {"name": "Geheim"})
    assert "Geheim" not in str(caught.value)
