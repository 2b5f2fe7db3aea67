"""CSV, XLSX and JSON: every answer, real types, nothing that a spreadsheet would calculate, the digest's figures."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from datetime import time
from typing import TYPE_CHECKING

import openpyxl
import pytest
from invited import EVENT, GUESTS, NOW
from servers import absent, find_program

from rsvp_mailer.export.columns import clean, formula_safe
from rsvp_mailer.export.exports import Csv
from rsvp_mailer.export.kinds import Kind
from rsvp_mailer.export.wording import LANGUAGES
from rsvp_mailer.store.figures import take_figures

if TYPE_CHECKING:
    from pathlib import Path

DANGEROUS = "=+-@\t\r\n"


def rows_of(octets: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(octets.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def workbook(octets: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(octets))


def records(octets: bytes) -> dict[str, dict[str, object]]:
    """Rows of the first sheet by address, or by name where there is none."""
    title, *rows = workbook(octets).worksheets[0].iter_rows(values_only=True)
    found = [dict(zip(title, row, strict=True)) for row in rows]
    return {row["E-Mail"] or row["Name"]: row for row in found}


@pytest.fixture
def head_count(store):
    with store.reading() as tx:
        return take_figures(tx, EVENT.id, now=NOW, since=None).head_count


def test_csv_has_a_row_for_every_guest(exported):
    rows = {row["E-Mail"] or row["Name"]: row for row in rows_of(exported(Kind.CSV))}
    assert len(rows) == len(GUESTS)
    zeki = rows["zeki@example.org"]
    assert zeki["Antwort"] == "Zusage"
    assert zeki["Personen"] == "3"
    assert zeki["Weitere Namen"] == "Karl Ohm; Mia Ohm"
    assert zeki["Erste Antwort"] == "2017-11-04 08:00"
    assert zeki["Stand"] == "2017-11-06 08:00"
    assert rows["arm@example.org"]["Dolmetschen"] == "Kurdisch, Dari"
    assert rows["arn@example.org"]["Kommt um"] == "17:45"
    assert rows["open@example.org"]["Zahl offen"] == "ja"
    assert rows["gone@example.org"]["Antwort"] == "zurückgenommen"
    assert rows["part@example.org"]["Mitgezählt bei"] == "zeki@example.org"
    assert rows["mo@example.org"]["Name"] == "محمد العلي"


def test_the_sum_of_the_column_is_the_head_count(exported, head_count):
    rows = rows_of(exported(Kind.CSV))
    assert sum(int(row["Personen"]) for row in rows if row["Antwort"] == "Zusage") == head_count.certain
    assert sum(int(row["Personen"]) for row in rows if row["Antwort"] == "vielleicht") == head_count.maybe
    sheet = records(exported(Kind.XLSX)).values()
    assert sum(row["Personen"] for row in sheet if row["Antwort"] == "Zusage") == head_count.certain


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_no_cell_of_csv_begins_like_a_formula(exported, delimiter):
    rows = rows_of(exported(Kind.CSV, csv=Csv(delimiter=delimiter)), delimiter)
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in set(DANGEROUS)]
    assert [row["Bemerkung"] for row in rows if row["Erfasst durch"] == "chef"] == ["'=2+2 Rückruf"]
    assert "'+491700000" in cells
    assert "'@SUM(1); -2" in cells


@pytest.mark.parametrize("first", [*DANGEROUS, " =", "\u00a0=", "＝", "－", "\u2212"])
def test_whatever_a_formula_begins_with(first):
    assert formula_safe(f"{first}1+1").startswith("'")


def test_harmless_text_stays_as_it_is():
    for text in ("", "Anna-Maria", "Müller + Co", "a=b", "محمد"):
        assert formula_safe(text) == text
    assert clean("a\x00b\x1bc\ud800") == "a b c "


def test_the_byte_order_mark_is_an_option(exported):
    assert exported(Kind.CSV, csv=Csv(byte_order_mark=True)).startswith(b"\xef\xbb\xbfName,")
    assert exported(Kind.CSV).startswith(b"Name,")


def test_csv_in_english(exported):
    (first, *_) = rows_of(exported(Kind.CSV, "en"))
    assert list(first)[:4] == ["Name", "E-mail", "Answer", "Persons"]


def test_xlsx_has_real_types(exported):
    rows = records(exported(Kind.XLSX))
    assert len(rows) == len(GUESTS)
    zeki, arn = rows["zeki@example.org"], rows["arn@example.org"]
    assert zeki["Personen"] == 3
    assert zeki["Stand"] == NOW.replace(tzinfo=None)
    assert arn["Kommt um"] == time(17, 45)
    assert rows["arm@example.org"]["Essen"] is True
    assert arn["Essen"] is None


def test_xlsx_holds_no_formula_and_no_link(exported):
    for sheet in workbook(exported(Kind.XLSX)).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.coordinate
                assert cell.hyperlink is None, cell.coordinate
    formula = records(exported(Kind.XLSX))['=HYPERLINK("http://example.org";"x")']
    assert formula["Bemerkung"] == "=2+2 Rückruf", "the very words, as text"
    cells = [cell for row in workbook(exported(Kind.XLSX)).worksheets[0].iter_rows() for cell in row]
    suspicious = [cell for cell in cells if isinstance(cell.value, str) and cell.value[:1] in set(DANGEROUS)]
    assert suspicious
    assert all(cell.quotePrefix for cell in suspicious), "editing the cell must not make a formula of it"


def test_xlsx_is_made_for_work(exported):
    book = workbook(exported(Kind.XLSX))
    answers, figures = book.worksheets
    assert (answers.title, figures.title) == ("Antworten", "Zahlen")
    assert answers.freeze_panes == "B2"
    assert answers.auto_filter.ref == f"A1:U{len(GUESTS) + 1}"


def test_the_second_sheet_has_the_digests_figures(exported, head_count):
    told = dict(workbook(exported(Kind.XLSX)).worksheets[1].iter_rows(min_row=2, values_only=True))
    assert told["Personen zugesagt"] == head_count.certain
    assert told["Höchstens zu erwarten"] == head_count.highest
    assert told["Dolmetschen gewünscht: Kurdisch"] == 2
    assert told["Noch in Prüfung"] == 0


def test_json_is_one_object_with_stable_keys(exported, head_count):
    told = json.loads(exported(Kind.JSON))
    assert told["event"]["id"] == "konferenz"
    assert told["figures"]["head_count"]["certain"] == head_count.certain
    assert len(told["answers"]) == len(GUESTS)
    by_name = {answer["name"]: answer for answer in told["answers"]}
    zeki = by_name["Zeki Arslan"]
    assert (zeki["attendance"], zeki["party_size"], zeki["people"]) == ("yes", 3, ["Karl Ohm", "Mia Ohm"])
    assert zeki["recorded_at"] == "2017-11-06T08:00:00+01:00"
    assert by_name['=HYPERLINK("http://example.org";"x")']["address"] is None


def test_an_empty_store_exports_titles_alone(engine, exported):
    from sqlalchemy import delete

    from rsvp_mailer.store.guest_tables import guest, guest_term

    with engine.begin() as connection:
        connection.execute(delete(guest_term))
        connection.execute(delete(guest))
    assert len(rows_of(exported(Kind.CSV))) == 0
    assert json.loads(exported(Kind.JSON))["answers"] == []
    assert len(list(workbook(exported(Kind.XLSX)).worksheets[0].iter_rows())) == 1


def test_both_languages_have_every_word():
    de, en = LANGUAGES["de"], LANGUAGES["en"]
    assert de.columns.keys() == en.columns.keys()
    assert de.words.keys() == en.words.keys()


def converted(folder: Path, file: str) -> list[dict[str, str]]:
    """A file as LibreOffice's spreadsheet reads it, formulas calculated."""
    if find_program("soffice") is None:
        absent("LibreOffice is not installed (Debian: apt-get install libreoffice-calc-nogui)")
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless"]
    command += ["--infilter=CSV:44,34,76"] if file.endswith(".csv") else []
    command += ["--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1", "--outdir", str(folder / "out")]
    done = subprocess.run([*command, str(folder / file)], check=True, capture_output=True, timeout=120)
    if b"could not be loaded" in done.stderr:
        absent("LibreOffice lacks its spreadsheet (Debian: apt-get install libreoffice-calc-nogui)")
    return rows_of((folder / "out" / file).with_suffix(".csv").read_bytes())


@pytest.mark.timeout(180)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", [Kind.XLSX, Kind.CSV])
def test_another_program_reads_it(exported, tmp_path: Path, kind: Kind):
    (tmp_path / f"a.{kind}").write_bytes(exported(kind))
    rows = {row["E-Mail"]: row for row in converted(tmp_path, f"a.{kind}")}
    assert len(rows) == len(GUESTS)
    assert rows["mo@example.org"]["Name"] == "محمد العلي"
    assert rows["arm@example.org"]["Personen"] == "14"
    assert "HYPERLINK" in rows[""]["Name"], "shown, not followed"
    assert "2+2" in rows[""]["Bemerkung"], "shown, not calculated"
