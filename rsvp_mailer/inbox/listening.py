"""Whether a server says something, without reading what it says.

``IdleManager.poll`` of imap_tools does not see what TLS or the buffered reader already holds, fails over half a
line, and takes a connection that has ended for silence.
"""

from __future__ import annotations

import select
import ssl
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import imaplib
    from io import BufferedReader


def hears(client: imaplib.IMAP4, seconds: float) -> bool:
    """Whether there is something to read within that time; ``ConnectionResetError`` where the server hung up."""
    timeout = client.sock.gettimeout()
    client.sock.settimeout(0)
    try:
        if _peek(client):
            return True
        poll = select.poll()
        poll.register(client.sock, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        octets = _peek(client)
        if octets == b"":
            raise ConnectionResetError
        return octets is not None
    finally:
        client.sock.settimeout(timeout)


def _peek(client: imaplib.IMAP4) -> bytes | None:
    """What can be read at once; empty at the end or if there is nothing, ``None`` for half a TLS record."""
    try:
        return cast("BufferedReader", client.file).peek(1)
    except ssl.SSLWantReadError:
        return None
