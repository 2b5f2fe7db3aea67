"""Opens one returned sheet: octets in, what was found out. Run in a process of its own (``examine``), under limits.

Takes the octets from standard input and writes one JSON object to standard output: ``state`` and ``rule`` as in
``domain.Sheet``, ``form``, ``fields``.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rsvp_mailer.domain import SheetState
from rsvp_mailer.steckbrief.form import CODE_FIELD, PREFIX, form_in
from rsvp_mailer.steckbrief.read_document import Refused, paragraphs_of
from rsvp_mailer.steckbrief.read_text import fields_in

if TYPE_CHECKING:
    from rsvp_mailer.steckbrief.form import Form

LARGEST_BYTES = 15_000_000
_MOST_MEMORY_BYTES = 1_000_000_000
_MOST_CPU_S = 10
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"BM")
_LEGACY_WORD = b"\xd0\xcf\x11\xe0"


def examine_octets(octets: bytes, form: Form | None) -> dict[str, object]:
    """What a returned sheet is, and what stands in it; ``form``: ours, whose questions are known."""
    try:
        return _examine(octets, form)
    except Refused as refused:
        locked = refused.rule.endswith(("password", "damaged"))
        other = refused.rule == "document.other_format"
        state = SheetState.UNREADABLE if locked else SheetState.TO_READ if other else SheetState.UNSAFE
        return _result(state, refused.rule)


def _examine(octets: bytes, form: Form | None) -> dict[str, object]:
    if len(octets) > LARGEST_BYTES:
        return _result(SheetState.UNREADABLE, "too_large")
    if b"%PDF-" in octets[:1024]:
        from rsvp_mailer.steckbrief.read_pdf import values_of  # noqa: PLC0415 - with pypdf; others do without

        values, drawn_upon = values_of(octets)
        return _of_fields(values, drawn_upon=drawn_upon)
    if octets.startswith(b"PK"):
        paragraphs, pictures = paragraphs_of(octets)
        return _of_lines(paragraphs, form, "document.no_form", pictures=pictures)
    if octets.startswith(_IMAGES) or octets[4:12] in {b"ftypheic", b"ftypheix", b"ftypmif1"} or octets[8:12] == b"WEBP":
        return _result(SheetState.TO_READ, "scan")
    if octets.startswith((_LEGACY_WORD, b"{\\rtf")):
        return _result(SheetState.TO_READ, "document.other_format")
    return _of_lines(_decoded(octets).splitlines(), form, "document.other_format")


def _of_fields(values: dict[str, str], *, drawn_upon: bool) -> dict[str, object]:
    if not values:
        return _result(SheetState.TO_READ, "pdf.no_fields")
    code = values.pop(PREFIX + CODE_FIELD, "")
    if any(values.values()):
        return _result(SheetState.FILLED, "pdf.fields", code, values)
    if drawn_upon:
        return _result(SheetState.TO_READ, "pdf.drawn_upon", code)  # written beside the fields, as telephones do
    return _result(SheetState.BLANK, "pdf.fields", code, values)


def _of_lines(lines: list[str], form: Form | None, otherwise: str, *, pictures: bool = False) -> dict[str, object]:
    found = fields_in(lines, form) if form is not None else None
    if form is None or found is None:
        return _result(SheetState.TO_READ, otherwise)
    wording, values = found
    if pictures and not any(values.values()):
        return _result(SheetState.TO_READ, "document.pictures", form.form_code(wording))
    state = SheetState.FILLED if any(values.values()) else SheetState.BLANK
    return _result(state, "document.labels", form.form_code(wording), values)


def _decoded(octets: bytes) -> str:
    for encoding in ("utf-16" if octets[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "cp1252"):
        try:
            return octets.decode(encoding)
        except UnicodeDecodeError:
            continue
    return octets.decode("latin-1")


def _result(state: SheetState, rule: str, form: str = "", fields: dict[str, str] | None = None) -> dict[str, object]:
    named = {name.removeprefix(PREFIX): value for name, value in (fields or {}).items()}
    return {"state": state, "rule": rule, "form": form, "fields": named}


def main() -> None:
    """Limit this process, then open what comes in; a file that breaks a limit ends it."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_S, _MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    form = form_in(Path(sys.argv[1])) if sys.argv[1:] else None
    octets = sys.stdin.buffer.read(LARGEST_BYTES + 1)
    json.dump(examine_octets(octets, form), sys.stdout, ensure_ascii=True)


if __name__ == "__main__":
    main()
