"""`/api/v1/search`: the caller's own conversations, by what was said in them."""

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from msgspec import Meta, Struct

from chat.errors import UnknownAccount
from chat.fields import AccountName, shown_as
from chat.search import QUERY_CHARACTERS, SEARCH_DEFAULT, SEARCH_LIMIT, Found, search
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller
from web.contract.operations import operation
from web.input import query_as
from web.parts import parts

searches = Blueprint("search", __name__, url_prefix=f"{PREFIX}/search")

_When = Annotated[
    datetime,
    shown_as("A date, in UTC, or a time with its zone (RFC 3339).", examples=["2026-11-23"]),
]


class SearchQuery(Struct, frozen=True):
    """What to look for, and where."""

    q: Annotated[
        str,
        shown_as(
            'Words that may stand anywhere; what stands in "quotes" is one.',
            minLength=1,
            maxLength=QUERY_CHARACTERS,
            examples=["hello"],
        ),
    ]
    peer: AccountName | None = None
    after: _When | None = None
    before: _When | None = None
    cursor: Annotated[str, shown_as("That of the page before.", pattern="^[0-9]+$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=SEARCH_LIMIT)] = SEARCH_DEFAULT


@searches.get("")
@operation(
    "Texts with all the words",
    "The newest first. Case, accents, vowel points and widths make no difference. `after` is"
    " included, `before` is not.",
    query=SearchQuery,
    answers={200: Found},
    raises=(UnknownAccount,),
)
def index() -> Response:
    """The newest first."""
    account = caller().account
    asked = query_as(SearchQuery)
    with parts().database.searching() as sql:
        found = search(
            sql,
            account=account,
            query=asked.q,
            limit=asked.limit,
            peer=asked.peer,
            after=asked.after,
            before=asked.before,
            cursor=asked.cursor,
        )
    return as_json(found)
