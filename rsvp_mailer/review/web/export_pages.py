"""Everything that can be taken out: tables, the list at the door, the sheet for caterer and interpreters."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING

from starlette.responses import StreamingResponse

from rsvp_mailer.export.exports import Csv, prepare
from rsvp_mailer.export.kinds import Kind
from rsvp_mailer.export.wording import LANGUAGES
from rsvp_mailer.review.web.visit import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from rsvp_mailer.review.web.visit import Visit

_IN_MEMORY = 1 << 20
_AT_ONCE = 1 << 16
_GERMAN_EXCEL = Csv(byte_order_mark=True, delimiter=";")


def show(visit: Visit) -> Response:
    """What there is."""
    return visit.page("exports.html", kinds=[kind.value for kind in Kind])


def download(visit: Visit) -> Response:
    """One file, in the language of the pages. It is complete before the first octet leaves, or it is an error page."""
    try:
        kind = Kind(visit.request.path_params["kind"])
    except ValueError:
        raise Refusal(404) from None
    office, csv = visit.office, _GERMAN_EXCEL if visit.asked("excel") else Csv()
    # Closed when it has been sent; on the disk, where it is large.
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    try:
        with office.store.reading() as tx:
            export = prepare(tx, office.event, kind, LANGUAGES[visit.language], now=office.now(), csv=csv)
            export.write(file)  # type: ignore[arg-type]  # a binary file in all but its declared type
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{export.name}"', "Content-Length": str(size)}
    return StreamingResponse(_pieces(file), media_type=export.content_type, headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_AT_ONCE):
            yield piece
