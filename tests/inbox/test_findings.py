"""What ``check`` says of a mailbox."""

from __future__ import annotations

from rsvp_mailer.inbox.imap import ImapInbox


def test_all_is_well(account, settings_for):
    settings = settings_for(account, security="tls", ca_file=account.server.ca_file)
    found = ImapInbox(settings, password=account.password).findings()
    assert all(finding.ok and not finding.advice for finding in found)
    assert [finding.what for finding in found] == [
        f"IMAP login at 127.0.0.1:{settings.port}",
        'IMAP folder "INBOX"',
        'IMAP, after = "leave"',
    ]


def test_a_refused_login_is_all_there_is_to_say(account, settings_for):
    (finding,) = ImapInbox(settings_for(account), password="falsch").findings()
    assert not finding.ok
    assert "check user and password" in finding.advice


def test_an_untrusted_certificate_names_the_key_to_set(account, settings_for):
    (finding,) = ImapInbox(settings_for(account, security="tls"), password=account.password).findings()
    assert not finding.ok
    assert "ca_file" in finding.advice


def test_each_missing_folder_is_told_with_the_rest(account, settings_for):
    settings = settings_for(account, also_search=("Ablage", "Urlaub"), after="move", move_to="Erledigt")
    found = ImapInbox(settings, password=account.password).findings()
    advice = {finding.what: finding.advice for finding in found if not finding.ok}
    assert advice.keys() == {'IMAP folder "Ablage"', 'IMAP folder "Urlaub"', 'IMAP, after = "move"'}
    assert all("create it" in text for text in advice.values())
    owner = account.client()
    assert len(owner.list()[1]) == 1, "check creates nothing"
    owner.logout()


def test_a_server_without_idle_is_no_fault_but_worth_a_word(old_server, settings_for):
    account = old_server.add_account()
    found = ImapInbox(settings_for(account, poll_interval_s=90), password=account.password).findings()
    assert all(finding.ok for finding in found)
    assert "every 90 s" in found[-1].advice


def test_findings_leave_no_connection(scripted, scripted_inbox):
    scripted_inbox().findings()
    assert scripted.said[-1] == "LOGOUT"
