"""The form as a Word file (WordprocessingML, ECMA-376), which every word processor opens, on telephones too.

Needed when the form is built, never when the program runs. Each field is a table of one cell under its label, and in
it a bookmark that carries the field's name; a box is a control that Word ticks at a click. Whoever reads it back goes
by the labels, since half of all programs lose everything else.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from rsvp_mailer.steckbrief.form import Field, Form, Section, Wording

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_W14 = "http://schemas.microsoft.com/office/word/2010/wordml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DOCUMENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_CONTENT_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_DOCUMENT_TYPE}.document.main+xml"/>'
    f'<Override PartName="/word/styles.xml" ContentType="{_DOCUMENT_TYPE}.styles+xml"/>'
    '<Override PartName="/docProps/core.xml"'
    ' ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>'
)
_RELATIONSHIPS = (
    f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="a" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    f'<Relationship Id="b" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
    "</Relationships>"
)
_STYLE_RELATIONSHIP = (
    f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="a" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same octets each time
_INSET = 108  # twentieths of a point: what a cell keeps free at its sides
_WIDTH = 9638 - _INSET  # of A4 without the margins
_LINE = 300
_LANGUAGES = {"kmr": "ku-TR", "ckb": "ku-Arab-IQ", "prs": "prs-AF", "fa": "fa-IR", "ar": "ar-SA", "fr": "fr-FR"}


def word_form(form: Form, wording: Wording) -> bytes:
    """The form in one language, the same octets each time."""
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED, compresslevel=9) as package:
        for name, words in _parts(form, wording).items():
            package.writestr(ZipInfo(name, _EPOCH), _XML + words, ZIP_DEFLATED)
    return made.getvalue()


def _parts(form: Form, wording: Wording) -> dict[str, str]:
    return {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _RELATIONSHIPS,
        "word/_rels/document.xml.rels": _STYLE_RELATIONSHIP,
        "docProps/core.xml": _properties(form, wording),
        "word/styles.xml": _styles(wording),
        "word/document.xml": _document(form, wording),
    }


def _properties(form: Form, wording: Wording) -> str:
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(wording.title)} – {escape(wording.subtitle)}</dc:title>"
        f"<dc:creator>{escape(form.organisation)}</dc:creator><dc:language>{wording.language}</dc:language>"
        "</cp:coreProperties>"
    )


def _document(form: Form, wording: Wording) -> str:
    body = [_paragraph(wording.title, wording, "Title"), _paragraph(wording.subtitle, wording, "Subtitle")]
    body += [_paragraph(words, wording, "Intro") for words in wording.introduction]
    for section in form.sections:
        body.append(_paragraph(wording.sections[section.id], wording, "Heading1"))
        for field in section.fields:
            body.append(_box(field, wording) if field.kind == "box" else _cell(len(body), section, field, wording))
    body += [_paragraph(wording.closing, wording, "Label"), _paragraph(form.form_code(wording), wording, "Code")]
    direction = "<w:bidi/>" if wording.right_to_left else ""
    return (
        f'<w:document xmlns:w="{_W}" xmlns:w14="{_W14}"><w:body>{"".join(body)}'
        '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1021" w:right="1134" w:bottom="1021"'
        f' w:left="1134" w:header="567" w:footer="567" w:gutter="0"/>{direction}</w:sectPr></w:body></w:document>'
    )


def _paragraph(words: str, wording: Wording, style: str) -> str:
    runs = "".join(_run(part, wording, bold=bool(at % 2)) for at, part in enumerate(words.split("**")) if part)
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{_direction(wording)}</w:pPr>{runs}</w:p>'


def _direction(wording: Wording) -> str:
    return "<w:bidi/>" if wording.right_to_left else ""


def _run(words: str, wording: Wording, *, bold: bool = False) -> str:
    marks = ("<w:b/><w:bCs/>" if bold else "") + ("<w:rtl/>" if wording.right_to_left else "")
    return f'<w:r><w:rPr>{marks}</w:rPr><w:t xml:space="preserve">{escape(words)}</w:t></w:r>'


def _cell(number: int, section: Section, field: Field, wording: Wording) -> str:
    tooltip = quoteattr(wording.tooltip(section, field))
    edges = "".join(
        f'<w:{side} w:val="single" w:sz="6" w:color="5B6B7A"/>' for side in ("top", "left", "bottom", "right")
    )
    visual = "<w:bidiVisual/>" if wording.right_to_left else ""
    return (
        _paragraph(wording.fields[field.id], wording, "Label")
        + f'<w:tbl><w:tblPr>{visual}<w:tblW w:w="{_WIDTH}" w:type="dxa"/><w:tblInd w:w="{_INSET}" w:type="dxa"/>'
        f"<w:tblBorders>{edges}</w:tblBorders>"
        f'<w:tblLayout w:type="fixed"/><w:tblDescription w:val={tooltip}/></w:tblPr>'
        f'<w:tblGrid><w:gridCol w:w="{_WIDTH}"/></w:tblGrid>'
        f'<w:tr><w:trPr><w:cantSplit/><w:trHeight w:val="{field.lines * _LINE + 60}" w:hRule="atLeast"/></w:trPr>'
        f'<w:tc><w:tcPr><w:tcW w:w="{_WIDTH}" w:type="dxa"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="Answer"/>{_direction(wording)}</w:pPr>'
        f'<w:bookmarkStart w:id="{number}" w:name="{field.name}"/><w:bookmarkEnd w:id="{number}"/></w:p>'
        "</w:tc></w:tr></w:tbl>"
    )


def _box(field: Field, wording: Wording) -> str:
    label = wording.fields[field.id]
    return (
        f'<w:p><w:pPr><w:pStyle w:val="Box"/>{_direction(wording)}</w:pPr><w:sdt><w:sdtPr>'
        f"<w:alias w:val={quoteattr(label)}/><w:tag w:val={quoteattr(field.name)}/>"
        '<w14:checkbox><w14:checked w14:val="0"/><w14:checkedState w14:val="2612" w14:font="MS Gothic"/>'
        '<w14:uncheckedState w14:val="2610" w14:font="MS Gothic"/></w14:checkbox></w:sdtPr><w:sdtContent>'
        '<w:r><w:rPr><w:rFonts w:ascii="MS Gothic" w:hAnsi="MS Gothic" w:eastAsia="MS Gothic" w:hint="eastAsia"/>'
        f"</w:rPr><w:t>\u2610</w:t></w:r></w:sdtContent></w:sdt>{_run(' ' + label, wording)}</w:p>"
    )


def _styles(wording: Wording) -> str:
    latin = "de-DE" if wording.right_to_left else _LANGUAGES.get(wording.language, f"{wording.language}-DE")
    complex_script = _LANGUAGES.get(wording.language, "ar-SA") if wording.right_to_left else "ar-SA"
    rows = [
        ("Title", "Title", 40, "0B3D66", True, "", '<w:spacing w:before="0" w:after="20"/>'),
        ("Subtitle", "Subtitle", 22, "0B3D66", False, "", '<w:spacing w:before="0" w:after="160"/>'),
        ("Heading1", "heading 1", 24, "0B3D66", True, "<w:keepNext/>", '<w:spacing w:before="240" w:after="40"/>'),
        ("Label", "Label", 18, "44505C", False, "<w:keepNext/>", '<w:spacing w:before="80" w:after="40"/>'),
        ("Intro", "Intro", 20, "14202B", False, "", '<w:spacing w:before="0" w:after="80"/>'),
        ("Answer", "Answer", 21, "14202B", False, "", '<w:spacing w:before="20" w:after="20"/>'),
        ("Box", "Box", 20, "14202B", False, "", '<w:spacing w:before="60" w:after="60"/>'),
        ("Code", "Code", 16, "44505C", False, "", '<w:spacing w:before="200" w:after="0"/>'),
    ]
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{id_}"><w:name w:val="{name}"/><w:basedOn w:val="Normal"/><w:qFormat/>'
        f"<w:pPr>{keep}{_SHADE if id_ == 'Intro' else ''}{spacing}"
        f"{'<w:outlineLvl w:val=' + chr(34) + '0' + chr(34) + '/>' if id_ == 'Heading1' else ''}</w:pPr>"
        f'<w:rPr>{"<w:b/><w:bCs/>" if bold else ""}<w:color w:val="{colour}"/><w:sz w:val="{size}"/>'
        f'<w:szCs w:val="{size + 2}"/></w:rPr></w:style>'
        for id_, name, size, colour, bold, keep, spacing in rows
    )
    return (
        f'<w:styles xmlns:w="{_W}"><w:docDefaults><w:rPrDefault><w:rPr>'
        '<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial" w:eastAsia="Arial"/><w:sz w:val="20"/>'
        f'<w:szCs w:val="22"/><w:lang w:val="{latin}" w:bidi="{complex_script}"/></w:rPr></w:rPrDefault>'
        "</w:docDefaults>"
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>'
        f"{styles}</w:styles>"
    )


_SHADE = '<w:shd w:val="clear" w:color="auto" w:fill="E8F1F8"/>'
