"""`/api/v1/blocks`: of whom the caller does not want to hear."""

from flask import Blueprint, Response
from msgspec import Struct

from chat.blocks import block, blocks_of, unblock
from chat.errors import NotAcceptable, UnknownAccount
from chat.fields import AccountName, Time
from chat.times import now, rfc3339
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import caller, person
from web.contract.operations import Callers, operation
from web.parts import parts

blocks = Blueprint("blocks", __name__, url_prefix=f"{PREFIX}/blocks")


class BlockedAccount(Struct, frozen=True):
    """Somebody of whom the caller does not want to hear, and since when."""

    account: AccountName
    display_name: str
    created_at: Time


class Blocks(Struct, frozen=True):
    """All of them, by name."""

    blocks: list[BlockedAccount]


@blocks.get("")
@operation("Whom one has blocked", answers={200: Blocks})
def index() -> Response:
    """All of them, by name."""
    account = caller().account
    with parts().database.reading() as sql:
        found = blocks_of(sql, account)
    described = [
        BlockedAccount(blocked.name, blocked.display_name, rfc3339(created_at))
        for blocked, created_at in found
    ]
    return as_json(Blocks(described))


@blocks.put("/<name>")
@operation(
    "Block an account",
    "Its messages are refused from now on, and neither of both sees whether the other is online."
    " Also when it was so already.",
    answers={204: None},
    raises=(UnknownAccount, NotAcceptable),
    callers=Callers.PERSONS,
)
def add(name: str) -> Response:
    """204, also when it was so already."""
    block(parts().database, person().account, name, now())
    return nothing()


@blocks.delete("/<name>")
@operation(
    "Hear of an account again",
    "Also when it was so already.",
    answers={204: None},
    raises=(UnknownAccount,),
    callers=Callers.PERSONS,
)
def remove(name: str) -> Response:
    """204, also when it was so already."""
    account = person().account
    with parts().database.writing() as sql:
        unblock(sql, account, name)
    return nothing()
