"""`/api/v1/search`: the caller's own conversations, by what was said in them."""

from flask import Blueprint, Response

from chat.errors import NotAcceptable
from chat.search import SEARCH_DEFAULT, search
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller
from web.input import parameter, point_in_time, whole_number
from web.parts import parts

searches = Blueprint("search", __name__, url_prefix=f"{PREFIX}/search")


@searches.get("")
def index() -> Response:
    """The newest first. Raises NotAcceptable, WrongCursor and UnknownAccount."""
    account = caller().account
    query = parameter("q")
    if query is None:
        raise NotAcceptable("q", "is missing; it must say what to look for")
    limit = whole_number("limit")
    peer, cursor = parameter("peer"), parameter("cursor")
    after, before = point_in_time("after"), point_in_time("before")
    with parts().database.reading() as sql:
        found = search(
            sql,
            account=account,
            query=query,
            limit=SEARCH_DEFAULT if limit is None else limit,
            peer=peer,
            after=after,
            before=before,
            cursor=cursor,
        )
    return as_json(found)
