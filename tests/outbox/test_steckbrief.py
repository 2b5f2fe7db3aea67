"""The profile sheet: refused when it would hurt, and fit to be filled in."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest
from pypdf import PdfReader

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.steckbrief import load_steckbrief

SHIPPED = Path(__file__).parents[2] / "config" / "steckbrief.pdf"


def test_the_shipped_sheet_goes_out_unharmed():
    part = load_steckbrief(SHIPPED)
    assert b64decode(part.body) == SHIPPED.read_bytes()
    assert b'filename="steckbrief.pdf"' in part.header


def test_the_shipped_sheet_can_be_filled_in_and_read_aloud():
    reader = PdfReader(SHIPPED)
    fields = reader.get_fields()
    assert {"name", "zielgruppe", "angebote", "luecken", "ideen", "kontakt", "mitmachen", "sprachen", "zeigen"} <= set(
        fields
    )
    assert all(field.get("/TU") for field in fields.values())
    assert reader.trailer["/Root"]["/Lang"] == "de"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert len(reader.pages) == 2


def test_a_name_with_umlauts_is_spelled_out(tmp_path):
    path = tmp_path / "Über uns (groß).pdf"
    path.write_bytes(SHIPPED.read_bytes())
    assert b'filename="Ueber_uns_gross_.pdf"' in load_steckbrief(path).header


def test_over_the_limit_is_refused():
    with pytest.raises(ConfigError, match=r"too large \(.*allowed are 1,000\)"):
        load_steckbrief(SHIPPED, 1000)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_steckbrief(tmp_path / "weg.pdf")


@pytest.mark.parametrize(
    "octets", [b"", b"hello", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\0" * 500, SHIPPED.read_bytes()[:9000]]
)
def test_a_damaged_file_is_refused(tmp_path, octets):
    path = tmp_path / "kaputt.pdf"
    path.write_bytes(octets)
    with pytest.raises(ConfigError, match=r"kaputt\.pdf is (damaged|no PDF)"):
        load_steckbrief(path)
