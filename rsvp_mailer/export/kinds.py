"""What can be exported; apart from how, so that the command line need not load it."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """``doors``: the list for the entrance; ``planning``: the sheet for caterer and interpreters."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    DOORS = "doors"
    PLANNING = "planning"
