"""The form as it is shipped: what its source says, accessible, small, in every language.

The machine-checkable failure conditions of the Matterhorn Protocol 1.1 (PDF/UA-1) that concern a form are tested here
one by one, for veraPDF is not to be had from Debian or PyPI.
"""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pikepdf
import pytest
from filled_forms import FOLDER
from pikepdf import Dictionary, Name

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.steckbrief.build import build
from rsvp_mailer.steckbrief.form import load_form

FORM = load_form(FOLDER)
CODES = sorted(FORM.wordings)
RIGHT_TO_LEFT = {"ar", "fa", "prs", "ckb"}
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(params=CODES)
def code(request):
    return request.param


@pytest.fixture
def pdf(code):
    with pikepdf.open(FOLDER / f"steckbrief-{code}.pdf") as document:
        yield document


def elements(node):
    """All elements of the structure tree, in reading order."""
    if isinstance(node, pikepdf.Array):
        for each in node:
            yield from elements(each)
    elif isinstance(node, Dictionary):
        if node.get("/Type") == Name.StructElem or "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node.K)


def widgets(pdf):
    return [each for page in pdf.pages for each in page.get("/Annots", [])]


def visible(pdf):
    return [each for each in widgets(pdf) if not int(each.F) & 2]


def test_the_forms_are_those_that_the_source_describes():
    """Whoever changes a question builds the files anew: python -m rsvp_mailer.steckbrief.build config/steckbrief."""
    assert {"de", "de-einfach", "en", "fr", "ar", "fa", "prs", "kmr", "ckb"} == set(CODES)
    built = dict(build(FOLDER))
    assert set(built) == set(FOLDER.glob("steckbrief-*"))
    assert [path.name for path, octets in built.items() if path.read_bytes() != octets] == []


def test_each_file_is_small():
    assert all(path.stat().st_size < 100_000 for path in FOLDER.glob("steckbrief-*"))


def test_06_metadata_names_standard_title_and_language(pdf, code):
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert FORM.wordings[code].title in metadata["dc:title"]
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert str(pdf.Root.Lang).split("-")[0] == FORM.wordings[code].language


def test_01_02_everything_is_tagged(pdf):
    assert pdf.Root.MarkInfo.Marked
    assert not pdf.Root.MarkInfo.get("/Suspects", False)
    standard = {"/Document", "/Part", "/Sect", "/Div", "/P", "/H1", "/H2", "/Form", "/Span", "/Strong", "/Table"}
    standard |= {"/TR", "/TD", "/TH", "/TBody", "/NonStruct", "/Artifact"}
    used = {str(each.S) for each in elements(pdf.Root.StructTreeRoot.K)}
    assert used <= standard
    for page in pdf.pages:
        depth, bare = 0, []
        for operands, operator in pikepdf.parse_content_stream(page):
            word = str(operator)
            depth += (word in {"BDC", "BMC"}) - (word == "EMC")
            if word in {"Tj", "TJ", "S", "f", "f*", "B", "Do"} and not depth:
                bare.append((word, operands))
        assert not bare  # neither content nor artifact


def test_14_headings_begin_with_one_and_skip_none(pdf):
    levels = [str(each.S) for each in elements(pdf.Root.StructTreeRoot.K) if re.fullmatch(r"/H\d", str(each.S))]
    assert levels == ["/H1"] + ["/H2"] * len(FORM.sections)


def test_28_each_field_has_a_tooltip_its_place_in_the_tree_and_in_the_order_of_tabs(pdf, code):
    wording = FORM.wordings[code]
    assert [str(each.T) for each in visible(pdf)] == [field.name for field in FORM.fields]
    assert [str(each.TU) for each in visible(pdf)] == [wording.tooltip(*pair) for pair in FORM.walk()]
    assert all(page.Tabs == Name.S for page in pdf.pages)
    forms = [each for each in elements(pdf.Root.StructTreeRoot.K) if Name.Form == each.S]
    in_tree = [kid.Obj for each in forms for kid in each.K if isinstance(kid, Dictionary) and "/Obj" in kid]
    assert [str(each.T) for each in in_tree] == [field.name for field in FORM.fields]
    parents = pdf.Root.StructTreeRoot.ParentTree
    found = dict(pairs(parents))
    assert all(Name.Form == found[int(each.StructParent)].S for each in visible(pdf))


def pairs(tree):
    for kid in tree.get("/Kids", []):
        yield from pairs(kid)
    numbers = list(tree.get("/Nums", []))
    yield from zip(map(int, numbers[::2]), numbers[1::2], strict=True)


def test_31_every_font_in_use_is_embedded_and_says_its_characters(pdf):
    fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
    fonts.append(pdf.Root.AcroForm.DR.Font.Field)
    for font in fonts:
        assert "/ToUnicode" in font
        descendant = font.DescendantFonts[0] if "/DescendantFonts" in font else font
        assert {"/FontFile2", "/FontFile3", "/FontFile"} & set(descendant.FontDescriptor.keys())


def test_25_29_nothing_that_we_would_refuse_ourselves(pdf):
    assert "/XFA" not in pdf.Root.AcroForm
    assert not {"/OpenAction", "/AA", "/Names"} & set(pdf.Root.keys())
    assert not any({"/A", "/AA"} & set(each.keys()) for each in widgets(pdf))


def test_fields_take_letters_of_all_our_languages(pdf):
    """The font of the fields knows them; how they are joined is up to the program in which people type."""
    cmap = bytes(pdf.Root.AcroForm.DR.Font.Field.ToUnicode.read_bytes()).decode()
    known = {chr(int(each, 16)) for each in re.findall(r"^<[0-9A-F]{4}> <([0-9A-F]{4})>$", cmap, re.MULTILINE)}
    assert set("äöüßÄÖÜçêîşûÇÊÎŞÛœàéèğıẞ€„“–’") - {"ẞ"} <= known
    assert set("ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأإؤئةىپچژگکیەێۆڕڵڤ٠١٢۴۵۶،؛؟") <= known


def test_right_to_left_really_runs_so(pdf, code):
    rtl = code in RIGHT_TO_LEFT
    assert (str(pdf.Root.ViewerPreferences.get("/Direction", "/L2R")) == "/R2L") == rtl
    assert all((each.get("/Q", 0) == 2) == rtl for each in visible(pdf) if Name.Tx == each.FT)
    boxes = [each for each in visible(pdf) if Name.Btn == each.FT]
    assert all((float(each.Rect[0]) > 400) == rtl for each in boxes)
    with zipfile.ZipFile(FOLDER / f"steckbrief-{code}.docx") as package:
        body = ET.fromstring(package.read("word/document.xml"))
    paragraphs = list(body.iter(f"{W}p"))
    assert all((each.find(f"{W}pPr/{W}bidi") is not None) == rtl for each in paragraphs)


def test_a_fault_in_the_source_is_named_with_its_file(tmp_path):
    for path in FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    german = tmp_path / "de.toml"
    german.write_text(german.read_text("utf-8").replace("gaps = ", "gasp = "), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_form(tmp_path)
    assert any("de.toml: fields lacks gaps" in fault for fault in caught.value.faults)
    assert any("de.toml: fields does not know gasp" in fault for fault in caught.value.faults)
    (tmp_path / "form.toml").write_text("edition = ")
    with pytest.raises(ConfigError, match=r"form\.toml"):
        load_form(tmp_path)


def test_the_field_font_comes_with_its_licence():
    assert "Bitstream" in (Path(build.__code__.co_filename).parent / "field-font.LICENSE.txt").read_text("utf-8")
