"""`/api/v1/export`: all that is kept of the caller's account, as one zip that is made while it is
sent."""

from threading import BoundedSemaphore
from zipfile import ZIP_DEFLATED

from flask import Blueprint, Response
from zipstream import ZipStream

from chat.errors import ServerBusy
from chat.export import export
from chat.times import now
from web.api import PREFIX
from web.callers import caller
from web.contract.operations import Content, operation
from web.parts import parts

exports = Blueprint("export", __name__, url_prefix=f"{PREFIX}/export")

# Each holds one of the process's threads for as long as its caller takes to fetch it.
_AT_ONCE = BoundedSemaphore(2)


@exports.get("")
@operation(
    "All that is kept of the account",
    answers={
        200: Content(
            "application/zip",
            "A zip of JSON and lines of JSON, and `schema.json`, which describes them.",
        )
    },
    headers={"Content-Disposition": "A file name with the account and the day."},
    raises=(ServerBusy,),
)
def fetch() -> Response:
    """The archive. ServerBusy while too many are fetched."""
    account, at = caller().account, now()
    if not _AT_ONCE.acquire(blocking=False):
        raise ServerBusy
    archive = ZipStream(compress_type=ZIP_DEFLATED)
    for name, pieces in export(parts().database, account, at).items():
        archive.add(pieces, name)
    response = Response(iter(archive), mimetype="application/zip")
    response.call_on_close(_AT_ONCE.release)
    name = f"katydid-{account.name}-{at:%Y-%m-%d}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
