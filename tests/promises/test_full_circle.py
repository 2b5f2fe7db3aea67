"""The full circle on real servers: Postfix takes a mail, Dovecot keeps it, the program reads and confirms it through
Postfix, and the confirmation lies in the invitee's own mailbox, in the right thread.
"""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy

from office import INVITATION_ID, make_office, reply
from scenes import balance, flags, persons
from servers_smtp import wait_until


def mail_in(account):
    """The one message of a mailbox, once it is there."""
    client = account.client()
    try:
        wait_until(lambda: bool(flags(client)), seconds=30, what="delivery")
        uid = str(next(iter(flags(client))))
        octets = client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]
        return message_from_bytes(octets, policy=policy.default)
    finally:
        client.logout()


def test_the_full_circle(tmp_path, dovecot, postfix, sqlite_url):
    """An invitee writes by SMTP and finds the answer in the own mailbox, below the own mail."""
    house, guest, team = (dovecot.add_account() for _ in range(3))
    office = make_office(
        tmp_path,
        house,
        postfix.port,
        sqlite_url,
        mailboxes={"addresses": [house.address]},
        sender={"address": house.address},
        digest={"recipients": [team.address]},
    )
    written = reply("Guten Tag, wir kommen zu dritt.", sender=guest.address, message_id="<kreis-1@gast.example>")
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as smtp:
        smtp.sendmail(guest.address, [house.address], written)
    assert mail_in(house)["Message-ID"] == "<kreis-1@gast.example>"
    done = office.command("poll", "--since", "2000-01-01")
    assert done.returncode == 0, done.stderr
    answer = mail_in(guest)
    assert answer["In-Reply-To"] == "<kreis-1@gast.example>"
    assert answer["References"].split() == [INVITATION_ID, "<kreis-1@gast.example>"]
    assert answer["From"].addresses[0].addr_spec == house.address
    assert "3 Personen" in answer.get_body(("plain",)).get_content()
    assert {part.get_content_type() for part in answer.walk()} >= {"text/calendar", "application/pdf", "text/html"}
    assert persons(office) == {guest.address: ("yes", 3)}
    assert "3 Personen" in mail_in(team)["Subject"]
    assert balance(office).recorded == 1
