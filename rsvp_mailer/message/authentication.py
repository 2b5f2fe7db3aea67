"""Who speaks: the one usable sender, what is wrong with it, and what our own server says about it.

What may live here: pure functions on header fields. Authentication-Results (RFC 8601) count only with the
configured authserv-id, and only the topmost group of them: one further down was there before our server saw
the mail.

Faults are rule names; any of them means ``sender_unverified``:

| rule | the mail |
|---|---|
| ``from.missing`` / ``from.several`` | has no usable From, or more than one |
| ``from.own_address`` | claims to come from this mailbox |
| ``from.noreply`` | comes from an address that nobody reads |
| ``from.name_is_other_address`` | shows one address as a name and uses another |
| ``reply_to.other_domain`` | wants replies to go elsewhere |
| ``dmarc.fail`` / ``spf_and_dkim.fail`` | failed our own server's checks |
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rsvp_mailer.message.headers import addresses_in, decode_text

if TYPE_CHECKING:
    from rsvp_mailer.domain import Address, MailboxIdentity
    from rsvp_mailer.message.headers import Fields

_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|[^"\\();]+|.', re.DOTALL)
_INSIDE = re.compile(r"\\.|[^\\()]+|.", re.DOTALL)  # of a comment, where quotes mean nothing
_BY_HOST = re.compile(r"\bby\s+([\w.-]{1,255})")
_RESULT = re.compile(r"^\s*([a-z0-9-]{2,30})(?:\s*/\s*\d+)?\s*=\s*([a-z]{2,20})\b", re.IGNORECASE)
_ADDRESS_IN_NAME = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_NOREPLY = re.compile(
    r"^(?:no[-_.]?reply(?:[-_.+\d].*)?|do[-_.]?not[-_.]?reply|donotreply|noreply.*|.*[-_.]noreply|nicht[-_.]?antworten|keine[-_.]?antwort"
    r"|ne[-_.]?pas[-_.]?repondre|bounces?(?:[-+].*)?|postmaster)$"
)
_DAEMON = re.compile(
    r"^(?:mailer[-_]?daemon|mail[-_]?daemon|mdaemon|majordomo|listserv|microsoftexchange[0-9a-f]{16,}|double-bounce|owner-.*|.*-bounces)$"
)


@dataclass(frozen=True, slots=True)
class Sender:
    """The one usable From address, the faults of the sender, and whether our server said dmarc=pass."""

    address: Address | None
    faults: tuple[str, ...]
    verified: bool
    daemon: bool


def sender_of(fields: Fields, identity: MailboxIdentity) -> Sender:
    """Judge the sender of a mail by its header fields."""
    rows = fields.all("from")
    found = addresses_in(rows)
    distinct = {each.address for each in found}
    faults: list[str] = []
    address = found[0] if len(distinct) == 1 else None
    if address is None:
        faults.append("from.several" if len(distinct) > 1 else "from.missing")
    elif len(rows) > 1:
        faults.append("from.several")
    if address is not None:
        faults += _faults_of_address(address, identity)
        faults += _faults_of_reply_to(address, fields)
    verdicts = results_of_own_server(fields, identity.authserv_id)
    faults += _faults_of_verdicts(verdicts)
    daemon = address is not None and _DAEMON.match(address.address.partition("@")[0]) is not None
    return Sender(address, tuple(faults), verdicts.get("dmarc") == {"pass"}, daemon)


def _faults_of_address(address: Address, identity: MailboxIdentity) -> list[str]:
    faults = []
    if address.address in identity.addresses:
        faults.append("from.own_address")
    if _NOREPLY.match(address.address.partition("@")[0]):
        faults.append("from.noreply")
    shown = _ADDRESS_IN_NAME.findall(unicodedata.normalize("NFKC", address.name).lower()[:500])
    if set(shown) - {address.address}:
        faults.append("from.name_is_other_address")
    return faults


def _faults_of_reply_to(address: Address, fields: Fields) -> list[str]:
    own = address.address.rpartition("@")[2]
    rows = fields.all("reply-to")
    found = {reply_to.address.rpartition("@")[2] for reply_to in addresses_in(rows)}
    if any("@" in row for row in rows) and not found:
        return ["reply_to.other_domain"]  # one that cannot be read, so perhaps there
    return ["reply_to.other_domain"] if any(not _is_same_house(own, other) for other in found) else []


def _is_same_house(one: str, other: str) -> bool:
    """The same domain, or one below the other; a bare top-level domain is nobody's house."""
    short, long = sorted((one, other), key=len)
    return short == long or ("." in short and long.endswith("." + short))


def results_of_own_server(fields: Fields, authserv_id: str | None) -> dict[str, set[str]]:
    """Verdicts by method ("dmarc", "spf", "dkim") of our own server's topmost Authentication-Results.

    They stand above, or next below, the Received field that our server put there; what is under the one before
    that came with the mail. The topmost field that names a method decides about it.
    """
    verdicts: dict[str, set[str]] = {}
    if not authserv_id:
        return verdicts
    below_own = False
    for name, value in fields.rows:
        if name == "received":
            if verdicts or below_own:
                break
            below_own = _received_by(value, authserv_id)
        elif name == "authentication-results":
            named: dict[str, set[str]] = {}
            for method, result in _parse_results(decode_text(value), authserv_id):
                named.setdefault(method, set()).add(result)
            verdicts = named | verdicts
    return verdicts


def _received_by(received: str, authserv_id: str) -> bool:
    if authserv_id.lower() not in received.lower():
        return False
    found = _BY_HOST.search(received[:2000])
    return found is not None and found[1].lower() == authserv_id.lower()


def _parse_results(value: str, authserv_id: str) -> list[tuple[str, str]]:
    """Method and result pairs; of a field whose comments or quotes do not close, only what speaks against the mail."""
    clauses, is_whole = _clauses(value)
    named = clauses[0].split()
    if not named or named[0].strip('"').lower() != authserv_id.lower():
        return []
    found = (_RESULT.match(clause) for clause in (clauses[1:] if is_whole else value.split(";")[1:]))
    results = [(result[1].lower(), result[2].lower()) for result in found if result]
    return [each for each in results if is_whole or each[1] != "pass"]


def _clauses(value: str) -> tuple[list[str], bool]:
    """The text between semicolons, without comments, and whether every comment and quote was closed.

    Semicolons inside of comments and quotes, which may hold what a sender wrote, separate nothing.
    """
    clauses, depth, at, is_whole = [""], 0, 0, True
    while at < len(value) and (found := (_INSIDE if depth else _OUTSIDE).match(value, at)):
        piece, at = found[0], found.end()
        if piece in {"(", ")"}:
            is_whole = is_whole and (piece == "(" or depth > 0)
            depth = max(0, depth + (1 if piece == "(" else -1))
        elif depth == 0 and piece == ";":
            clauses.append("")
        elif depth == 0:
            is_whole = is_whole and piece != '"'
            clauses[-1] += piece
    return clauses, is_whole and depth == 0


def _faults_of_verdicts(verdicts: dict[str, set[str]]) -> list[str]:
    dmarc = verdicts.get("dmarc", set()) & {"pass", "fail"}
    if dmarc:
        return ["dmarc.fail"] if "fail" in dmarc else []
    spf, dkim = verdicts.get("spf", set()), verdicts.get("dkim", set())
    failed_spf = bool(spf & {"fail", "hardfail", "softfail"}) and "pass" not in spf
    failed_dkim = "fail" in dkim and "pass" not in dkim
    return ["spf_and_dkim.fail"] if failed_spf and failed_dkim else []
