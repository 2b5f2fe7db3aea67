"""The command that builds the form: ``python -m rsvp_mailer.steckbrief.build FOLDER``.

For whoever changes the form; needs what the tests need (``pip install -e '.[test]'``). The results are committed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rsvp_mailer.steckbrief.form import load_form
from rsvp_mailer.steckbrief.pdf_form import pdf_form
from rsvp_mailer.steckbrief.word_form import word_form

if TYPE_CHECKING:
    from collections.abc import Iterator


def build(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Each file of the form and its octets; nothing is written."""
    form = load_form(folder)
    for code, wording in form.wordings.items():
        yield folder / f"steckbrief-{code}.pdf", pdf_form(form, wording)
        yield folder / f"steckbrief-{code}.docx", word_form(form, wording)


def main(arguments: list[str]) -> None:
    """Write the files beside their source and say how large they are."""
    if len(arguments) != 1:
        sys.exit("usage: python -m rsvp_mailer.steckbrief.build FOLDER (config/steckbrief)")
    for path, octets in build(Path(arguments[0])):
        path.write_bytes(octets)
        sys.stdout.write(f"{len(octets):>7,} bytes  {path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
