"""The form as a fillable, tagged PDF (PDF/UA-1). Needed when the form is built, never when the program runs.

typst sets the page and its structure tree, with a link where each field shall be. Here each link becomes a form
field (ISO 32000-1, 12.7): its place, its reading order and its element in the structure tree are the link's.

What people type is drawn by the program they type it in, with the font embedded here: letters of all our languages,
which no standard font has. No program known to us joins Arabic letters in form fields; hence the Word file beside.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pikepdf
import typst
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # it ships no types
from pikepdf import Array, Dictionary, Name, Object, String

from rsvp_mailer.steckbrief.form import CODE_FIELD, PREFIX

if TYPE_CHECKING:
    from rsvp_mailer.steckbrief.form import Form, Wording

FONTS = Path(__file__).parents[1] / "export" / "fonts"
FIELD_FONT = Path(__file__).parent / "field-font.ttf"
_PAGE = Path(__file__).parent / "form.typ"
_FONT_NAME = Name("/SteckbriefField")
_PRINTED, _HIDDEN = 4, 2  # annotation flags (12.5.3)
_MULTILINE = 1 << 12  # field flag (12.7.4.3)
_INSET_PT = 3
_DRAWN = "/Field 10 Tf 0.08 0.13 0.17 rg"
_TICK = "q 0 0 1 rg BT /ZaDb {size:.2f} Tf 0.08 0.13 0.17 rg {x:.2f} {y:.2f} Td (4) Tj ET Q"


def pdf_form(form: Form, wording: Wording) -> bytes:
    """The form in one language, the same octets each time."""
    page = typst.compile(
        _PAGE,
        format="pdf",
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"form": json.dumps(_values(form, wording), ensure_ascii=False)},
        pdf_standards=["ua-1"],
    )
    assert isinstance(page, bytes)
    with pikepdf.open(BytesIO(page)) as pdf:
        _add_fields(pdf, form, wording)
        made = BytesIO()
        pdf.save(
            made, recompress_flate=True, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True
        )
    return made.getvalue()


def _values(form: Form, wording: Wording) -> dict[str, Any]:
    return {
        "title": wording.title,
        "subtitle": wording.subtitle,
        "introduction": wording.introduction,
        "closing": wording.closing,
        "page": wording.page,
        "organisation": form.organisation,
        "language": wording.language,
        "right_to_left": wording.right_to_left,
        "code": form.form_code(wording),
        "numbering": {"ar": "١", "fa": "۱", "prs": "۱", "ckb": "١"}.get(wording.language, "1"),
        "sections": [
            {
                "title": wording.sections[section.id],
                "fields": [
                    {
                        "name": field.name,
                        "kind": field.kind,
                        "lines": field.lines,
                        "half": field.half,
                        "label": wording.fields[field.id],
                    }
                    for field in section.fields
                ],
            }
            for section in form.sections
        ],
    }


def _add_fields(pdf: pikepdf.Pdf, form: Form, wording: Wording) -> None:
    by_name = {field.name: (section, field) for section, field in form.walk()}
    fields = Array()
    for page in pdf.pages:
        for link in page.get("/Annots", Array()):
            section, field = by_name[str(link.A.URI).removeprefix("field:")]
            _make_widget(pdf, link, field.name, wording.tooltip(section, field))
            if field.kind == "box":
                _make_box(pdf, link)
            else:
                _make_text(link, multiline=field.kind == "text", right_to_left=wording.right_to_left)
            fields.append(link)
        page.Tabs = Name.S
    fields.append(_code_field(pdf, form.form_code(wording)))
    _retag(pdf.Root.StructTreeRoot)
    pdf.Root.ViewerPreferences.Direction = Name.R2L if wording.right_to_left else Name.L2R
    pdf.Root.AcroForm = pdf.make_indirect(
        Dictionary(
            Fields=fields,
            DA=String(_DRAWN),
            DR=Dictionary(Font=Dictionary(Field=_embedded(pdf), ZaDb=_dingbats(pdf))),
            NeedAppearances=True,
        )
    )


def _make_widget(pdf: pikepdf.Pdf, link: Object, name: str, tooltip: str) -> None:
    for key in ("/A", "/Contents", "/Border", "/C", "/H", "/Dest"):
        if key in link:
            del link[key]
    link.Subtype = Name.Widget
    link.F = _PRINTED
    link.T, link.TU = String(name), String(tooltip)


def _make_text(widget: Object, *, multiline: bool, right_to_left: bool) -> None:
    widget.FT = Name.Tx
    widget.DA = String(_DRAWN)
    widget.Ff = _MULTILINE if multiline else 0
    left, bottom, right, top = (float(each) for each in widget.Rect)
    widget.Rect = Array([left + _INSET_PT, bottom + 1, right - _INSET_PT, top - 1])  # typed text keeps off the edge
    if right_to_left:
        widget.Q = 2


def _make_box(pdf: pikepdf.Pdf, widget: Object) -> None:
    left, bottom, right, top = (float(each) for each in widget.Rect)
    width, height = right - left, top - bottom
    tick = _TICK.format(size=height * 0.95, x=width * 0.1, y=height * 0.16).encode()
    on, off = (_drawing(pdf, width, height, octets) for octets in (tick, b""))
    widget.FT, widget.Ff = Name.Btn, 0
    widget.V = widget.AS = Name.Off
    widget.MK = Dictionary(CA=String("4"))
    widget.DA = String("/ZaDb 0 Tf 0.08 0.13 0.17 rg")
    widget.AP = Dictionary(N=Dictionary(Yes=on, Off=off), D=Dictionary(Yes=on, Off=off))


def _drawing(pdf: pikepdf.Pdf, width: float, height: float, octets: bytes) -> pikepdf.Stream:
    stream = pdf.make_stream(octets)
    stream.Type, stream.Subtype = Name.XObject, Name.Form
    stream.BBox = Array([0, 0, round(width, 2), round(height, 2)])
    stream.Resources = Dictionary(Font=Dictionary(ZaDb=_dingbats(pdf)))
    return pdf.make_indirect(stream)


def _code_field(pdf: pikepdf.Pdf, code: str) -> Dictionary:
    """The form's code as the value of a field that nobody sees."""
    widget = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T=String(PREFIX + CODE_FIELD),
            TU=String(code),
            V=String(code),
            Ff=1,  # read-only
            F=_HIDDEN,
            Rect=Array([0, 0, 0, 0]),
            DA=String(_DRAWN),
        )
    )
    pdf.pages[0].Annots.append(widget)
    return widget


def _retag(element: Object) -> None:
    """Links in the structure tree become form fields, every one of them: there are no others."""
    if isinstance(element, Array):
        for each in element:
            _retag(each)
    elif isinstance(element, Dictionary):
        if element.get("/S") == Name.Link:
            element.S = Name.Form
        if "/K" in element:
            _retag(element.K)


def _dingbats(pdf: pikepdf.Pdf) -> Dictionary:
    return Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.ZapfDingbats)


def _embedded(pdf: pikepdf.Pdf) -> Dictionary:
    """The font of the fields, whole, with the way back from glyphs to characters (9.7, 9.10)."""
    font = TTFont(FIELD_FONT)
    glyphs, scale = font.getGlyphOrder(), 1000 / font["head"].unitsPerEm
    box, line = font["head"], font["hhea"]
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=_FONT_NAME,
        Flags=32,
        FontBBox=Array([round(each * scale) for each in (box.xMin, box.yMin, box.xMax, box.yMax)]),
        ItalicAngle=0,
        Ascent=round(line.ascent * scale),
        Descent=round(line.descent * scale),
        CapHeight=729,
        StemV=80,
        FontFile2=pdf.make_stream(FIELD_FONT.read_bytes()),
    )
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=_FONT_NAME,
        CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor),
        CIDToGIDMap=Name.Identity,
        W=Array([0, Array([round(font["hmtx"][glyph][0] * scale) for glyph in glyphs])]),
    )
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=_FONT_NAME,
            Encoding=Name("/Identity-H"),
            DescendantFonts=Array([pdf.make_indirect(descendant)]),
            ToUnicode=pdf.make_stream(_to_unicode(font.getBestCmap(), glyphs)),
        )
    )


def _to_unicode(characters: dict[int, str], glyphs: list[str]) -> bytes:
    of_glyph = {glyph: character for character, glyph in reversed(characters.items())}
    rows = [f"<{at:04X}> <{of_glyph[glyph]:04X}>" for at, glyph in enumerate(glyphs) if glyph in of_glyph]
    blocks = [rows[at : at + 100] for at in range(0, len(rows), 100)]  # a block may hold no more (9.10.3)
    maps = "".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{maps}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
