"""Our forms, filled in by programs that are not ours: pdftk, pdfium (Chromium's engine), LibreOffice."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from servers import absent

FOLDER = Path(__file__).parent.parent / "config" / "steckbrief"

ANSWERS = {
    "name": "Sprachcafé „Şîrîn“ & Freunde",
    "address": '=HYPERLINK("http://example.org";"Rottstraße 1")',
    "audience": "Familien\nund ältere Menschen, ungefähr 60",
    "offers": "مركز اللقاء، كل يوم ثلاثاء ١٧:٠٠\nTelefon gibt es auch",
    "gaps": "Räume (groß) \\ klein; < 20 m²",
    "ideas": "- ein Garten\n- zwei Feste",
    "contact": "Ottilie Brandt",
    "phone": "+49 201 1234",
    "email": "kontakt@sprachcafe.example",
    "website": "https://sprachcafe.example",
    "join": "@ jeden Freitag",
    "languages": "کوردی، فارسی, Deutsch",
}
TICKED = "share_yes"


def expected() -> dict[str, str]:
    """What must be read back."""
    return {**ANSWERS, "share_yes": "yes", "share_contact": "", "share_no": ""}


def pdf(code: str) -> bytes:
    """The empty form."""
    return (FOLDER / f"steckbrief-{code}.pdf").read_bytes()


def by_pdftk(code: str, **other: str) -> bytes:
    """Filled in as pdftk does: the file is written anew. ``other``: answers other than the usual."""
    return _by_pdftk(code, tuple({**ANSWERS, **other, TICKED: "Yes"}.items()))


@cache
def _by_pdftk(code: str, values: tuple[tuple[str, str], ...]) -> bytes:
    if shutil.which("pdftk") is None:
        absent("pdftk, which fills in forms: apt-get install pdftk-java")
    rows = "".join(f'<field name="steckbrief_{name}"><value>{escape(words)}</value></field>' for name, words in values)
    head = '<?xml version="1.0" encoding="UTF-8"?><xfdf xmlns="http://ns.adobe.com/xfdf/" xml:space="preserve">'
    form = str(FOLDER / f"steckbrief-{code}.pdf")
    done = subprocess.run(
        ["pdftk", form, "fill_form", "-", "output", "-"],
        input=f"{head}<fields>{rows}</fields></xfdf>".encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def by_pdfium(tmp_path: Path, code: str, **other: str) -> bytes:
    """Filled in as in Chromium: a click into each field, then key after key; saved as a copy."""
    import pypdfium2
    import pypdfium2.raw as raw

    document = pypdfium2.PdfDocument(pdf(code))
    document.init_forms()
    form = document.formenv
    values = {f"steckbrief_{name}": words for name, words in {**ANSWERS, **other}.items()}
    for page in document:
        for number in range(raw.FPDFPage_GetAnnotCount(page)):
            annotation = raw.FPDFPage_GetAnnot(page, number)
            name, rect = _name(form, annotation), raw.FS_RECTF()
            raw.FPDFAnnot_GetRect(annotation, rect)
            x, y = (rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2
            if name in values or name == f"steckbrief_{TICKED}":
                raw.FORM_OnLButtonDown(form, page, 0, x, y)
                raw.FORM_OnLButtonUp(form, page, 0, x, y)
            for letter in values.get(name, ""):
                raw.FORM_OnChar(form, page, 13 if letter == "\n" else ord(letter), 0)
            raw.FORM_ForceToKillFocus(form)
            raw.FPDFPage_CloseAnnot(annotation)
    out = tmp_path / "pdfium.pdf"
    document.save(out)
    return out.read_bytes()


def _name(form: object, annotation: object) -> str:
    import pypdfium2.raw as raw

    size = raw.FPDFAnnot_GetFormFieldName(form, annotation, None, 0)
    buffer = (ctypes.c_ushort * size)()
    raw.FPDFAnnot_GetFormFieldName(form, annotation, buffer, size)
    return bytes(buffer).decode("utf-16-le").rstrip("\0")


def by_libreoffice(tmp_path: Path, code: str, kind: str) -> bytes:
    """The Word file, opened, filled in and saved by LibreOffice as ``kind`` ("docx", "odt")."""
    flat = _converted(tmp_path, FOLDER / f"steckbrief-{code}.docx", "fodt")
    words = iter(ANSWERS.values())
    cell = re.compile(r"(<table:table-cell[^>]*>\s*<text:p[^>]*>)(.*?)(</text:p>)", re.DOTALL)

    def fill(found: re.Match[str]) -> str:
        lines = "<text:line-break/>".join(escape(line) for line in next(words).split("\n"))
        return f"{found[1]}{found[2]}{lines}{found[3]}"

    text, filled = cell.subn(fill, flat.read_text("utf-8"))
    assert filled == len(ANSWERS)
    flat.write_text(text.replace("\u2610<", "\u2612<", 1), "utf-8")
    return _converted(tmp_path, flat, kind).read_bytes()


def _converted(tmp_path: Path, path: Path, kind: str) -> Path:
    if shutil.which("soffice") is None:
        absent("LibreOffice, which fills in forms: apt-get install libreoffice-writer-nogui")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, timeout=100, capture_output=True)
    return tmp_path / f"{path.stem}.{kind}"
