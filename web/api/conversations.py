"""`/api/v1/conversations`: the caller's, their preferences, and the messages of one."""

from flask import Blueprint, Response

from chat.conversations import conversations_of
from chat.messages import history
from chat.payloads import HISTORY_DEFAULT
from chat.preferences import change_preferences
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller
from web.input import json_object, optional_boolean, whole_number
from web.parts import parts

conversations = Blueprint("conversations", __name__, url_prefix=f"{PREFIX}/conversations")


@conversations.get("")
def index() -> Response:
    """All of them, that with the newest message first."""
    account = caller().account
    with parts().database.reading() as sql:
        found = conversations_of(sql, account)
    return as_json({"conversations": found})


@conversations.patch("/<peer>")
def change(peer: str) -> Response:
    """Its line, with what is given changed. Raises NotAcceptable, UnknownAccount and
    UnknownConversation."""
    account = caller().account
    body = json_object()
    muted, archived, pinned = (
        optional_boolean(body, field) for field in ("muted", "archived", "pinned")
    )
    with parts().database.writing() as sql:
        line = change_preferences(sql, account, peer, muted=muted, archived=archived, pinned=pinned)
    return as_json(line)


@conversations.get("/<peer>/messages")
def messages(peer: str) -> Response:
    """A page of history. Raises UnknownAccount, and WrongCursor, also for two cursors at once."""
    account = caller().account
    limit = whole_number("limit")
    before, after = whole_number("before"), whole_number("after")
    with parts().database.reading() as sql:
        page = history(
            sql,
            account=account,
            peer=peer,
            before=before,
            after=after,
            limit=HISTORY_DEFAULT if limit is None else limit,
        )
    return as_json(page)
