"""`/api/v1/conversations`: the caller's, their preferences, and the messages of one."""

from typing import Annotated

from flask import Blueprint, Response
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from chat.conversations import ConversationSummary, conversations_of
from chat.errors import UnknownAccount, UnknownConversation
from chat.fields import LARGEST_SEQ, MOST_DAYS
from chat.message_requests import accept
from chat.messages import Page, history
from chat.payloads import HISTORY_DEFAULT, HISTORY_LIMIT
from chat.preferences import change_preferences
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller, person, reading_as_caller
from web.contract.operations import Callers, operation
from web.input import body_as, query_as
from web.parts import parts

conversations = Blueprint("conversations", __name__, url_prefix=f"{PREFIX}/conversations")

_Seq = Annotated[int, Meta(ge=0, le=LARGEST_SEQ)]


class Conversations(Struct, frozen=True):
    """All of the caller's, that with the newest text first."""

    conversations: list[ConversationSummary]


class PreferencesChange(Struct, frozen=True):
    """What is to change; the rest stays. All but the last are the caller's alone."""

    muted: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    keep_days: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_DAYS,
                description="For how many days messages are to be kept; null is for ever.",
            ),
        ]
        | UnsetType
        | None
    ) = UNSET


class HistoryQuery(Struct, frozen=True):
    """Which page of history."""

    before: Annotated[_Seq, Meta(description="The newest messages below this seq.")] | None = None
    after: Annotated[_Seq, Meta(description="The oldest messages above this seq.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=HISTORY_LIMIT)] = HISTORY_DEFAULT


@conversations.get("")
@operation("The list of conversations", answers={200: Conversations})
def index() -> Response:
    """All of them, that with the newest message first."""
    with reading_as_caller() as (sql, calling):
        found = conversations_of(sql, calling.account, installation_days=parts().settings.keep_days)
    return as_json(Conversations(found))


@conversations.patch("/<peer>")
@operation(
    "Mute, archive or pin a conversation, or keep it for a while",
    "They change nothing in what is delivered. A later message brings an archived conversation"
    " back, unless it is muted too. Of the days for which either member, or the installation, wants"
    " messages to be kept, the fewest hold, for both: `kept_days`. What is older is deleted within"
    " an hour.",
    body=PreferencesChange,
    answers={200: ConversationSummary},
    raises=(UnknownAccount, UnknownConversation),
)
def change(peer: str) -> Response:
    """Its line, with what is given changed."""
    account = caller().account
    asked = asdict(body_as(PreferencesChange))
    muted, archived, pinned = (
        None if asked[field] is UNSET else asked[field] for field in ("muted", "archived", "pinned")
    )
    with parts().database.writing() as sql:
        line = change_preferences(
            sql,
            account,
            peer,
            muted=muted,
            archived=archived,
            pinned=pinned,
            keep_days=asked["keep_days"],
            installation_days=parts().settings.keep_days,
        )
    return as_json(line)


@conversations.post("/<peer>/accept")
@operation(
    "Accept a message request",
    "An answer does so too. Also when there is none.",
    answers={200: ConversationSummary},
    raises=(UnknownAccount, UnknownConversation),
    callers=Callers.PERSONS,
)
def accept_request(peer: str) -> Response:
    """Its line, with nothing standing between the two."""
    account = person().account
    with parts().database.writing() as sql:
        line = accept(sql, account, peer, installation_days=parts().settings.keep_days)
    return as_json(line)


@conversations.get("/<peer>/messages")
@operation(
    "A page of history",
    "Give `before` or `after`, not both; without either, the newest messages.",
    query=HistoryQuery,
    answers={200: Page},
    raises=(UnknownAccount,),
)
def messages(peer: str) -> Response:
    """A page of history; NotAcceptable also for two cursors at once."""
    with reading_as_caller() as (sql, calling):
        asked = query_as(HistoryQuery)
        page = history(
            sql,
            account=calling.account,
            peer=peer,
            before=asked.before,
            after=asked.after,
            limit=asked.limit,
        )
    return as_json(page)
