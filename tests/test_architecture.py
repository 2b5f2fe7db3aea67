"""The house has rooms, and nothing calls backwards: the imports are read and compared with the plan.

A failure here is either a wrong import or a change of the plan; the second is made in these tables, on purpose.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rsvp_mailer"

TOP_LEVEL = {"pyproject.toml", "README.md", "rsvp_mailer", "config", "tests", "deploy"}

# Room (or module) -> what it may look at. Below: everybody's words. Then the road, in its order. On top: programs.
NOUNS = {"domain", "errors"}
FOUNDATION = NOUNS | {"clock", "settings", "log"}
ROAD = ["inbox", "message", "reading", "decide", "store", "outbox", "settle", "intake", "poll", "review"]
MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "errors": set(),
    "clock": set(),
    "settings": NOUNS,
    "typesetting": NOUNS,
    "log": NOUNS | {"settings"},
    # The road. What is pure looks at nouns alone: it is told what it needs.
    "inbox": FOUNDATION,
    "message": NOUNS,
    "reading": NOUNS,
    "decide": NOUNS,
    "store": NOUNS,
    "outbox": FOUNDATION | {"typesetting", "decide", "store"},
    # Where the road's stations are joined: one answer, one message, one round; then a person's ruling.
    "settle_sheets": NOUNS | {"store", "outbox"},
    "settle": FOUNDATION | {"decide", "store", "outbox", "settle_sheets"},
    "intake": FOUNDATION | {"message", "reading", "decide", "store", "settle", "steckbrief"},
    "poll": FOUNDATION | {"inbox", "store", "intake"},
    "review": FOUNDATION | {"decide", "store", "outbox", "export", "settle", "intake"},
    # The form itself: its questions, and how it is built.
    "steckbrief": NOUNS,
    "export": FOUNDATION | {"typesetting", "store", "steckbrief"},
    "privacy": FOUNDATION | {"store"},
}
# They build and start the rest; no room may import one of them.
PROGRAMS = {
    "__main__", "app", "card", "check", "cli", "cli_export", "cli_office", "cli_preview", "cli_steckbrief",
    "cli_tasks", "cli_web", "daemon", "demo", "explain", "operate",
}  # fmt: skip

PURE = ["message", "reading", "decide.py", "domain.py", "errors.py"]
IMPURE_MODULES = {
    "aiosmtplib", "alembic", "asyncio", "fcntl", "ftplib", "getpass", "glob", "http", "imap_tools", "imaplib",
    "locale", "logging", "mmap", "multiprocessing", "os", "pathlib", "psycopg", "queue", "random", "requests",
    "sched", "secrets", "select", "selectors", "shelve", "shutil", "signal", "smtplib", "socket", "socketserver",
    "sqlalchemy", "sqlite3", "ssl", "structlog", "subprocess", "sys", "tempfile", "threading", "time", "uuid",
}  # fmt: skip
IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input", "read_text", "read_bytes", "getenv"}

ONLY_IMPORTER = {
    "imap_tools": {"inbox/connection.py"},
    "aiosmtplib": {"outbox/send.py"},
    "alembic": {"store/schema.py", "store/migrations"},
    "apscheduler": {"daemon.py"},
    "sqlalchemy": {"store", "check.py"},
    "pymap": {"demo"},
    "aiosmtpd": {"demo"},
    "py3langid": {"reading/language.py"},
}

# Each stands around one message, so that poison stops nobody; all others name what they expect.
BROAD_EXCEPTS = {
    "intake.py": "one message of a poll: set aside with its traceback",
    "review/web/guard.py": "one request: a page that says what to do, and the log says where it failed",
    "explain.py": "one message of many that are only shown: its line says so",
}


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def modules(*places: str) -> Iterator[tuple[str, ast.Module]]:
    """Each module below ``places`` (all, where none is named): path within the package, syntax tree."""
    for place in places or ("",):
        path = PACKAGE / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield file.relative_to(PACKAGE).as_posix(), parsed(file)


def imports(tree: ast.Module) -> Iterator[str]:
    """Full names of all that is imported, wherever and for whatever."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path: str) -> str:
    return path.split("/", maxsplit=1)[0].removesuffix(".py")


def looks_at(tree: ast.Module) -> set[str]:
    return {name.split(".")[1] for name in imports(tree) if name.startswith("rsvp_mailer.")}


def test_every_room_is_in_the_plan():
    rooms = {room(path) for path, _ in modules()} - {"__init__"}
    assert rooms <= MAY_IMPORT.keys() | PROGRAMS


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_no_arrow_points_back(name: str):
    wrong = {
        f"{path} imports {target}"
        for path, tree in modules()
        if room(path) == name
        for target in looks_at(tree) - MAY_IMPORT[name] - {name}
    }
    assert wrong == set()


def test_the_plan_itself_has_no_arrow_back():
    for name in ROAD:
        later = set(ROAD[ROAD.index(name) :]) | PROGRAMS
        assert not MAY_IMPORT[name] & later, name
    for name in FOUNDATION:
        assert not MAY_IMPORT[name] & (set(ROAD) | PROGRAMS), name


def test_the_demo_is_not_needed_to_run():
    importers = {room(path) for path, tree in modules() if "demo" in looks_at(tree)}
    assert importers <= {"cli", "cli_office", "cli_preview", "demo"}


def test_pure_rooms_touch_nothing_outside():
    offences = set()
    for path, tree in modules(*PURE):
        touched = {name.split(".")[0] for name in imports(tree)} & IMPURE_MODULES
        touched |= {called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)} & IMPURE_CALLS
        if any(isinstance(node, ast.Name) and node.id == "__file__" for node in ast.walk(tree)):
            # Knowledge of languages and mail clients lies beside the module and is read once, at the start.
            touched -= {"pathlib", "read_text", "read_bytes"}
        offences |= {f"{path}: {name}" for name in touched}
    assert offences == set()


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@pytest.mark.parametrize("library", ONLY_IMPORTER)
def test_a_library_stays_behind_its_door(library: str):
    doors = ONLY_IMPORTER[library]
    importers = {path for path, tree in modules() if any(name.split(".")[0] == library for name in imports(tree))}
    assert {
        path for path in importers if not any(path == door or path.startswith(f"{door}/") for door in doors)
    } == set()


def test_nobody_calls_what_expunges():
    """imap_tools' flag(), delete() and move() issue a plain EXPUNGE, which destroys what a person marked \\Deleted."""
    wrong = {
        f"{path}:{node.lineno}"
        for path, tree in modules("inbox")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in {"flag", "delete", "move", "copy", "expunge", "fetch"}
        if isinstance(node.func.value, (ast.Name, ast.Attribute)) and "box" in ast.unparse(node.func.value).lower()
    }
    assert wrong == set()


def test_broad_handlers_stand_around_one_message_only():
    found = [
        path
        for path, tree in modules()
        if room(path) != "demo"
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _passes_on(node)
    ]
    assert sorted(found) == sorted(BROAD_EXCEPTS)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in {"Exception", "BaseException"}


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it cleans up and raises the very same error again."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_the_top_of_the_repository_stays_tidy():
    built = {"build", "dist"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - built
    assert found == TOP_LEVEL


def test_names_say_what_is_inside():
    vague = {"utils", "util", "helpers", "helper", "manager", "data", "common", "misc"}
    assert {path for path, _ in modules() if Path(path).stem in vague} == set()
