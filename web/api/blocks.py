"""`/api/v1/blocks`: of whom the caller does not want to hear."""

from flask import Blueprint, Response

from chat.blocks import block, blocks_of, unblock
from chat.times import now, rfc3339
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import caller
from web.parts import parts

blocks = Blueprint("blocks", __name__, url_prefix=f"{PREFIX}/blocks")


@blocks.get("")
def index() -> Response:
    """All of them, by name."""
    account = caller().account
    with parts().database.reading() as sql:
        found = blocks_of(sql, account)
    described = [
        {
            "account": blocked.name,
            "display_name": blocked.display_name,
            "created_at": rfc3339(created_at),
        }
        for blocked, created_at in found
    ]
    return as_json({"blocks": described})


@blocks.put("/<name>")
def add(name: str) -> Response:
    """204, also when it was so already. Raises UnknownAccount and NotAcceptable."""
    block(parts().database, caller().account, name, now())
    return nothing()


@blocks.delete("/<name>")
def remove(name: str) -> Response:
    """204, also when it was so already. Raises UnknownAccount."""
    account = caller().account
    with parts().database.writing() as sql:
        unblock(sql, account, name)
    return nothing()
