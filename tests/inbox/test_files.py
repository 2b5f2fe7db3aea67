"""Mail in files: single, in folders, mbox, Maildir."""

from __future__ import annotations

import mailbox
import os
import pwd
import shutil
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from rsvp_mailer.inbox.files import read_files

MAIL = b"From: gast@beispiel.example\nSubject: Zusage\n\nIch komme.\n"


def octets(found):
    return [entry.mail.raw for entry in found]


def test_a_named_file_is_mail_whatever_its_name(tmp_path):
    for name in ("a.eml", "b.EML", "c.txt", "d"):
        (tmp_path / name).write_bytes(MAIL)
        (found,) = read_files([tmp_path / name])
        assert (found.path, found.index, found.mail.raw, found.error) == (str(tmp_path / name), None, MAIL, "")
        assert found.mail.complete
        assert found.mail.place is None
        assert found.mail.arrived_at is None


def test_octets_stay_as_they_are(tmp_path):
    strange = b"Subject: x\r\n\r\n\xff\x00\rmixed\n\r\n>From here\r\n\r\n"
    (tmp_path / "a.eml").write_bytes(strange)
    assert octets(read_files([tmp_path / "a.eml"])) == [strange]


def test_an_editors_byte_order_mark_is_no_mail(tmp_path):
    (tmp_path / "a.eml").write_bytes(b"\xef\xbb\xbf" + MAIL)
    assert octets(read_files([tmp_path / "a.eml"])) == [MAIL]


def test_an_empty_file_is_a_message_without_anything(tmp_path):
    (tmp_path / "a.eml").write_bytes(b"")
    assert octets(read_files([tmp_path / "a.eml"])) == [b""]


def test_a_folder_is_read_in_order_with_what_lies_below(tmp_path):
    for name in ("b/2.eml", "b/10.eml", "a.eml", "c/d/e.eml", "z.eml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = list(read_files([tmp_path]))
    assert [entry.path for entry in found] == [
        str(tmp_path / name) for name in ("a.eml", "b/10.eml", "b/2.eml", "c/d/e.eml", "z.eml")
    ]


def test_what_lies_beside_mail_in_a_folder_is_passed_over(tmp_path):
    (tmp_path / "1").write_bytes(MAIL)  # MH
    (tmp_path / "a.json").write_text('{"attendance": "yes"}')
    (tmp_path / "a.txt").write_text("Notiz: nichts")
    (tmp_path / "Liesmich").write_text("Nichts von Belang")
    (tmp_path / ".versteckt.eml").write_bytes(MAIL)
    (tmp_path / "bild.png").write_bytes(b"\x89PNG")
    assert [entry.path for entry in read_files([tmp_path])] == [str(tmp_path / "1")]


def test_outlook_files_are_reported(tmp_path):
    (tmp_path / "a.msg").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    (tmp_path / "b.eml").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    for named in ([tmp_path / "a.msg"], [tmp_path / "b.eml"]):
        (found,) = read_files(named)
        assert found.mail is None
        assert "save it as .eml" in found.error
    (reported,) = (entry for entry in read_files([tmp_path]) if entry.error)
    assert reported.path == str(tmp_path / "a.msg")


def test_what_cannot_be_read_is_an_entry_in_its_place(tmp_path):
    (tmp_path / "a.eml").write_bytes(MAIL)
    (tmp_path / "z.eml").write_bytes(MAIL)
    (tmp_path / "dir").mkdir()
    found = list(read_files([tmp_path / "a.eml", tmp_path / "missing.eml", tmp_path / "n\0.eml", tmp_path / "z.eml"]))
    assert [entry.mail is not None for entry in found] == [True, False, False, True]
    assert "No such file" in found[1].error
    assert found[2].error


@pytest.fixture
def without_privileges():
    """Root may read everything; a folder that anybody may enter, and the rights of anybody."""
    folder = Path(tempfile.mkdtemp(prefix="files-"))
    folder.chmod(0o755)
    yield folder
    if os.getuid() == 0:
        os.seteuid(0)
    for path in folder.iterdir():
        path.chmod(0o700)
    shutil.rmtree(folder)


def test_what_may_not_be_read_is_an_entry_too(without_privileges):
    folder = without_privileges
    for name in ("a.eml", "b.eml", "c.eml"):
        (folder / name).write_bytes(MAIL)
    (folder / "b.eml").chmod(0)
    (folder / "dir").mkdir(mode=0)
    if os.getuid() == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    found = list(read_files([folder]))
    assert [bool(entry.error) for entry in found] == [False, True, False, True]
    assert "Permission denied" in found[1].error


def test_a_file_that_fails_amid_reading_is_an_entry():
    (found,) = read_files([Path("/proc/self/mem")])
    assert "cannot be read" in found.error


def test_links_in_circles_end(tmp_path):
    (tmp_path / "a.eml").write_bytes(MAIL)
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "b.eml").symlink_to(tmp_path / "a.eml")
    (tmp_path / "dangling.eml").symlink_to(tmp_path / "nowhere")
    assert octets(read_files([tmp_path])) == [MAIL, MAIL]


def test_an_mbox_of_the_standard_library_comes_back_octet_for_octet(tmp_path):
    bodies = [
        b"Subject: 1\n\nFrom here on\n\nFrom now on\n",
        b"Subject: 2\n\n\n\nblank lines\n\n\n",
        b"Subject: 3\n\n\xff\xfe\n",
    ]
    path = tmp_path / "archive.mbox"
    box = mailbox.mbox(path)
    for body in bodies:
        box.add(body)
    box.close()
    before = path.read_bytes()
    found = list(read_files([path]))
    assert [(entry.path, entry.index) for entry in found] == [(str(path), index) for index in range(3)]
    assert octets(found) == bodies
    assert path.read_bytes() == before


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_mbox_is_taken_apart_at_its_separators_only(tmp_path, end):
    first = [b"Subject: 1", b"", b"Guten Tag,", b"From Essen with love", b"", b"From my side: yes", b">From a quote"]
    second = [b"Subject: 2", b"", b"zwei", b"", b""]
    third = [b"Subject: 3", b"", b"drei"]
    quoted = [b">" + line if line.startswith((b"From ", b">From ")) else line for line in first]
    lines = [
        *[b"From gast@beispiel.example Tue Nov  7 09:00:00 2017", *quoted, b""],
        *[b"From - Tue Nov 07 09:00:01 2017", *second, b""],
        *[b"From ", *third, b""],
    ]
    (tmp_path / "Archiv").write_bytes(end.join([*lines, b""]))
    found = list(read_files([tmp_path]))
    assert [entry.index for entry in found] == [0, 1, 2]
    assert octets(found) == [end.join([*part, b""]) for part in (first, second, third)]


def test_an_unquoted_from_in_a_text_does_not_split_it(tmp_path):
    """Some programs do not quote; a separator has an empty line before it and a date in it."""
    text = (
        b"Subject: 1\n\nHallo,\n\nFrom what I hear we are three.\nFrom gast@x.example Tue Nov  7 09:00:00 2017\nEnde\n"
    )
    (tmp_path / "a.mbox").write_bytes(b"From a@b.example Tue Nov  7 09:00:00 2017\n" + text + b"\n")
    assert octets(read_files([tmp_path / "a.mbox"])) == [text]


def test_a_single_message_saved_with_its_separator_is_a_single_message(tmp_path):
    (tmp_path / "a.eml").write_bytes(b"From a@b.example Tue Nov  7 09:00:00 2017\n" + MAIL)
    (found,) = read_files([tmp_path / "a.eml"])
    assert (found.index, found.mail.raw) == (None, MAIL)


def test_a_file_that_only_claims_to_be_an_mbox_is_named(tmp_path):
    (tmp_path / "a.mbox").write_bytes(MAIL)
    (tmp_path / "empty.mbox").write_bytes(b"")
    (found,) = read_files([tmp_path / "a.mbox", tmp_path / "empty.mbox"])
    assert "no mbox" in found.error


def test_a_maildir_is_read_in_the_order_of_delivery(tmp_path):
    for part in ("cur", "new", "tmp", ".Sent/cur"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "new" / "1510000003.M1P1.host").write_bytes(b"third")
    (tmp_path / "cur" / "1510000001.M1P1.host:2,S").write_bytes(b"first")
    (tmp_path / "cur" / "1510000002.M1P1.host,S=6,W=6:2,").write_bytes(b"second")
    (tmp_path / "tmp" / "1510000000.M1P1.host").write_bytes(b"half a delivery")
    (tmp_path / ".Sent" / "cur" / "1510000000.M1P1.host:2,S").write_bytes(b"another folder")
    (tmp_path / "dovecot.index.log").write_bytes(b"\0\1\2")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert octets(read_files([tmp_path])) == [b"first", b"second", b"third"]
    assert octets(read_files([tmp_path / "cur"])) == [b"first", b"second"]
    assert before == sorted(path.name for path in tmp_path.rglob("*"))


def test_over_the_limit_only_the_header_section_is_taken(tmp_path):
    large = MAIL + b"x" * 5_000
    (tmp_path / "a.eml").write_bytes(large)
    lines = b"From a Tue Nov  7 09:00:00 2017\n" + large + b"\n\nFrom b Tue Nov  7 09:00:00 2017\n" + MAIL
    (tmp_path / "b.mbox").write_bytes(lines)
    found = list(read_files([tmp_path], max_message_bytes=1_000))
    header = MAIL[: MAIL.index(b"\n\n") + 2]
    assert [(entry.mail.raw, entry.mail.complete) for entry in found] == [
        (header, False),
        (header, False),
        (MAIL, True),
    ]


def test_a_large_mbox_is_never_in_memory_as_a_whole(tmp_path):
    path = tmp_path / "a.mbox"
    with path.open("wb") as file:
        for _ in range(400):
            file.write(b"From a Tue Nov  7 09:00:00 2017\n" + MAIL + b"x" * 100_000 + b"\n\n")
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_files([path])) == 400
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
