"""Serves the site: uvicorn in a thread of its own, stopped from any other one."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import structlog
import uvicorn

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.sign_in import sign_in_faults
from rsvp_mailer.review.web.site import build_site

if TYPE_CHECKING:
    from rsvp_mailer.review.web.visit import Office
    from rsvp_mailer.settings import WebSettings

log = structlog.get_logger()

_STOP_GRACE_S = 3
_MOST_CONNECTIONS = 200


class WebThread(threading.Thread):
    """The pages. ``ConfigError`` at once where their port cannot be had, or the mail for signing in not written."""

    def __init__(self, office: Office) -> None:
        super().__init__(name="web", daemon=True)
        web = office.settings.web
        faults = sign_in_faults(office.event, office.settings.events[0].templates)
        if faults:
            raise ConfigError(faults)
        self._socket = _listen(web)
        self._server = uvicorn.Server(  # in a thread of its own it leaves signals alone
            uvicorn.Config(
                build_site(office),
                log_config=None,
                access_log=False,  # it would write sign-in links
                server_header=False,
                lifespan="off",
                ws="none",
                proxy_headers=bool(web.trusted_proxies),
                forwarded_allow_ips=list(web.trusted_proxies),
                limit_concurrency=_MOST_CONNECTIONS,
                h11_max_incomplete_event_size=32_768,
                timeout_graceful_shutdown=_STOP_GRACE_S,
            )
        )

    def run(self) -> None:
        """Serve until ``stop``."""
        log.info("pages served", port=self._socket.getsockname()[1])
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Finish the requests in hand and end."""
        self._server.should_exit = True


def _listen(web: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    # With the protocol named: only then does asyncio switch off Nagle's algorithm, which costs 40 ms a page.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((web.host, web.port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        fault = (
            f"web.port: {web.host} port {web.port} cannot be had ({error.strerror}); "
            "is another rsvp-mailer serving the pages? Name another port, or set web.within_run = false"
        )
        raise ConfigError([fault]) from error
    return listening
