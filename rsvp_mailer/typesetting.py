"""Turns a Typst template and values into a PDF or a picture, in a process of its own.

A process of its own, because the typesetter keeps in memory what it has set, 50 KB a line of a list, and gives
nothing back. Values reach the template as data (``json(bytes(sys.inputs.values))``): nothing in a name can be markup.
Fonts are those beside the exports; the system's are looked for only where a letter is in none of them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsvp_mailer.errors import TemporaryError

if TYPE_CHECKING:
    from collections.abc import Mapping

FONTS = Path(__file__).parent / "export" / "fonts"
_TIMEOUT_S = 120
_NO_FONT = "could not be displayed"
# Latin, Greek, Cyrillic, Arabic, their marks, punctuation, signs of money: what the fonts were cut down to.
_IN_OUR_FONTS = re.compile(
    r"[\x00-\u036f\u0370-\u052f\u0600-\u06ff\u0750-\u077f\u1e00-\u1eff\u2000-\u206f\u20a0-\u20bf]*"
)


def pdf(template: Path, values: Mapping[str, Any]) -> bytes:
    """A tagged PDF that meets PDF/UA-1. ``values``: what JSON can hold. ``TemporaryError``: it could not be set."""
    return _set(template, values, {"format": "pdf", "pdf_standards": ["ua-1"]})


def png(template: Path, values: Mapping[str, Any], *, pixels_per_point: float) -> bytes:
    """A picture of the template's one page. Errors as ``pdf``."""
    return _set(template, values, {"format": "png", "ppi": 72 * pixels_per_point})


def _set(template: Path, values: Mapping[str, Any], options: Mapping[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False)
    job = {
        "template": str(template),
        "values": text,
        "system_fonts": _IN_OUR_FONTS.fullmatch(text) is None,
        "options": options,
    }
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(  # noqa: S603 - this very module
            command, input=json.dumps(job).encode(), capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = "the typesetter could not be run; is the machine short of memory?"
        raise TemporaryError(message) from error
    if done.returncode:
        # The last line is Typst's reason; it names places of the template, not values.
        reason = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {done.returncode}"])[-1]
        message = f"{template.name} could not be set: {reason}"
        raise TemporaryError(message)
    return done.stdout


def main() -> None:
    """One job from standard input; its octets to standard output."""
    import typst  # noqa: PLC0415 - only here, so that the program itself never loads it

    job = json.load(sys.stdin.buffer)
    fonts = typst.Fonts(include_system_fonts=job["system_fonts"], include_embedded_fonts=False, font_paths=[str(FONTS)])
    template, values = Path(job["template"]).read_bytes(), {"values": job["values"]}
    try:
        made = typst.compile(template, font_paths=fonts, sys_inputs=values, **job["options"])
    except typst.TypstError as error:
        if _NO_FONT not in error.message:
            sys.exit(error.message)
        # A name in letters that no font of this machine has: PDF/UA refuses what cannot be shown, an entrance not.
        made = typst.compile(template, font_paths=fonts, sys_inputs=values, format="pdf")
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
