"""Has returned sheets opened, each in a process of its own, so that no file can stop, slow or bring down this one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Sheet, SheetFile, SheetState
from rsvp_mailer.errors import TemporaryError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_S = 15.0
_ROOT = Path(__file__).parents[2]
_IMAGES = ("image/", "audio/", "video/")
# Isolated (-I): neither the working directory nor the environment chooses what is imported.
_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from rsvp_mailer.steckbrief.returned import main; main()"


@dataclass(frozen=True, slots=True)
class Examiner:
    """Opens sheets. ``folder``: that of the form, whose questions are looked for in documents, or ``None``."""

    folder: Path | None

    def examine_all(self, files: Iterable[SheetFile]) -> tuple[Sheet, ...]:
        """Each file with what was found out; never raises for what a file does.

        ``TemporaryError`` where no process can be started.
        """
        return tuple(self._examine(file) for file in files)

    def _examine(self, file: SheetFile) -> Sheet:
        if file.content_type.startswith(_IMAGES):
            return Sheet(file, SheetState.TO_READ, "scan")
        arguments = [sys.executable, "-I", "-c", _PROGRAM, str(_ROOT), *([str(self.folder)] if self.folder else [])]
        try:
            done = subprocess.run(  # noqa: S603 - our own program; the file is its input, never an argument
                arguments, input=file.octets, capture_output=True, timeout=_LONGEST_S, check=False, env={}
            )
        except subprocess.TimeoutExpired:
            return Sheet(file, SheetState.UNSAFE, "takes_too_long")
        except OSError as error:
            message = "a returned Steckbrief could not be opened: no process could be started; is memory short?"
            raise TemporaryError(message) from error
        if done.returncode < 0:
            return Sheet(file, SheetState.UNSAFE, "breaks_limits")  # ended by a signal: time or memory
        if done.returncode > 0:
            return Sheet(file, SheetState.UNREADABLE, "not_understood")
        found = json.loads(done.stdout)
        fields = tuple(found["fields"].items())
        return Sheet(file, SheetState(found["state"]), found["rule"], found["form"], fields)
