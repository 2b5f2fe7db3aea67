"""Answers of IMAP servers, taken apart without one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsvp_mailer.inbox.responses import (
    Folder,
    Refusal,
    Row,
    classify_refusal,
    find_folder,
    read_internaldate,
    read_rows,
    read_summary,
    uid_set,
)


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ([], []),
        ([None], []),
        ([(b"1 (UID 7 BODY[] {3}", b"abc"), b")"], [Row(7, octets=b"abc")]),
        ([(b"1 (BODY[] {3}", b"abc"), b" UID 7)"], [Row(7, octets=b"abc")]),  # Exchange: the UID comes last
        ([(b"1 (FLAGS (\\Seen) UID 7 BODY[] {0}", b""), b")"], [Row(7, octets=b"")]),
        ([(b"1 (UID 7 BODY[HEADER]<0> {3}", b"abc"), b")"], [Row(7, octets=b"abc")]),
        ([b'1 (UID 7 BODY[] "a \\"b\\" \\\\")'], [Row(7, octets=b'a "b" \\')]),
        ([b"1 (UID 7 BODY[] NIL)"], [Row(7)]),
        ([b'1 (UID 7 BODY[] "")'], [Row(7, octets=b"")]),
        ([b"1 (FLAGS (\\Seen))"], []),
        ([b"1 (UID 7 FLAGS (\\Seen))"], [Row(7)]),
        ([b'1 (X-NOTE "UID 8" UID 7)'], [Row(7)]),  # quoted text is no UID
        ([(b"1 (UID 7 X {1}", b"y"), (b" BODY[] {3}", b"abc"), b")"], [Row(7, octets=b"abc")]),
        # Two rows of one message complete each other, in either order.
        (
            [(b"1 (UID 7 BODY[] {3}", b"abc"), b")", b"1 (UID 7 FLAGS () RFC822.SIZE 3)"],
            [Row(7, size_bytes=3, octets=b"abc")],
        ),
        (
            [b'1 (UID 7 RFC822.SIZE 40 INTERNALDATE " 7-Nov-2017 09:00:00 +0100")'],
            [Row(7, 40, datetime(2017, 11, 7, 8, tzinfo=UTC))],
        ),
    ],
)
def test_rows(data, rows):
    assert list(read_rows(data).values()) == rows


@given(st.lists(st.one_of(st.none(), st.binary(), st.tuples(st.binary(), st.binary()))))
def test_no_answer_is_so_odd_that_it_raises(data):
    assert all(isinstance(uid, int) for uid in read_rows(data))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"14-Nov-2017 17:00:00 +0100", datetime(2017, 11, 14, 16, tzinfo=UTC)),
        (b" 1-Jan-2018 00:00:00 -1130", datetime(2018, 1, 1, 11, 30, tzinfo=UTC)),
        (b"14-Nov-2017 17:00:00 -0000", datetime(2017, 11, 14, 17, tzinfo=UTC)),
        (b"29-Feb-2017 17:00:00 +0100", None),
        (b"14-Nov-2017", None),
        (b"", None),
        (b"\xff", None),
        (b"31-Dec-9999 23:59:59 -0100", None),
    ],
)
def test_internaldate(text, value):
    assert read_internaldate(text) == value


@given(st.sets(st.integers(1, 2**32 - 1), min_size=1))
def test_a_uid_set_holds_exactly_its_uids(uids):
    spelled = uid_set(sorted(uids))
    found = set()
    for part in spelled.split(","):
        first, _, last = part.partition(":")
        found |= set(range(int(first), int(last or first) + 1))
    assert found == uids


def test_runs_are_written_short():
    assert uid_set([1, 2, 3, 7, 9, 10]) == "1:3,7,9:10"


@pytest.mark.parametrize(
    ("wanted", "folders", "found"),
    [
        ("INBOX", [Folder("Inbox", "/")], "Inbox"),
        ("Erledigt", [Folder("INBOX", "."), Folder("INBOX.Erledigt", ".")], "INBOX.Erledigt"),
        ("Konferenz/Erledigt", [Folder("Konferenz.Erledigt", ".")], "Konferenz.Erledigt"),
        ("Konferenz/Erledigt", [Folder("INBOX.Konferenz.Erledigt", ".")], "INBOX.Konferenz.Erledigt"),
        ("Konferenz.Erledigt", [Folder("INBOX.Konferenz.Erledigt", ".")], "INBOX.Konferenz.Erledigt"),
        ("INBOX/Erledigt", [Folder("INBOX.Erledigt", ".")], "INBOX.Erledigt"),
        ("Rückmeldungen", [Folder("Ru\u0308ckmeldungen", "/")], "Ru\u0308ckmeldungen"),
        ("Erledigt", [Folder("INBOX/Erledigt", "/"), Folder("Erledigt", "/")], "Erledigt"),
        ("erledigt", [Folder("Erledigt", "/")], None),
        ("Erledigt", [Folder("Erledigt", "/", selectable=False)], None),
        ("Erledigt", [Folder("Archiv/Erledigt", "/")], None),
        ("a/b", [Folder("a/b")], "a/b"),
        ("Erledigt", [], None),
    ],
)
def test_folders_are_found_as_people_write_them(wanted, folders, found):
    assert find_folder(wanted, folders) == found


def test_an_unknown_refusal_is_taken_for_wrong_credentials():
    assert classify_refusal("NO") is Refusal.CREDENTIALS
    assert classify_refusal("") is Refusal.CREDENTIALS


@given(st.binary())
def test_a_summary_of_anything_is_two_lines_of_text(header):
    sender, subject = read_summary(header)
    assert sender.isprintable()
    assert subject.isprintable()
