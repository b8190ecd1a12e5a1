"""`/api/v1/logins`: the browsers that are logged in to the caller's account, and ending them.

A login's id is what its cookie carries; here it goes by a digest.
"""

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from msgspec import Struct

from chat.digests import digest_of
from chat.errors import BrokerUnreachable, UnknownLogin
from chat.fields import LoginDigest, Time, shown_as
from chat.logins import logins_of
from chat.models import Login
from chat.times import now, rfc3339
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import person
from web.contract.operations import Callers, operation
from web.logins import end_one, end_others
from web.parts import parts

logins = Blueprint("logins", __name__, url_prefix=f"{PREFIX}/logins")


class OwnLogin(Struct, frozen=True):
    """A browser that is logged in; `current` is the one that asks. `last_seen_at` is to the minute
    where the browser has a device, and to the day where it has none."""

    login: LoginDigest
    browser: Annotated[str, shown_as("As it called itself.", examples=["Firefox on Linux"])]
    begun_at: Time
    last_seen_at: Time
    current: bool


class Logins(Struct, frozen=True):
    """All logins of the account, newest first."""

    logins: list[OwnLogin]


class OthersEnded(Struct, frozen=True):
    """How many browsers were logged out."""

    logins_ended: int


@logins.get("")
@operation("The browsers that are logged in", answers={200: Logins}, callers=Callers.PERSONS)
def index() -> Response:
    """All logins of the account, newest first; `current` is the one that asks."""
    calling = person()
    with parts().database.reading() as sql:
        found = logins_of(sql, calling.account, now())
    described = [_described(login, seen_at, calling.login_id) for login, seen_at in found]
    return as_json(Logins(described))


@logins.delete("")
@operation(
    "Log out everywhere else",
    "All browsers but the one that asks are logged out, and cut off from the broker.",
    answers={200: OthersEnded},
    raises=(BrokerUnreachable,),
    callers=Callers.PERSONS,
)
def end_all_others() -> Response:
    """How many were logged out: all but the one that asks."""
    return as_json(OthersEnded(end_others(person())))


@logins.delete("/<digest>")
@operation(
    "Log a browser out",
    "Its cookie is worth nothing at once, and its device is cut off within a second, also when it"
    " is this one.",
    answers={204: None},
    raises=(UnknownLogin, BrokerUnreachable),
    callers=Callers.PERSONS,
)
def end(digest: str) -> Response:
    """204 when the browser is logged out, also when it is this one."""
    end_one(person(), digest)
    return nothing()


def _described(login: Login, seen_at: datetime, current: str | None) -> OwnLogin:
    return OwnLogin(
        login=digest_of(login.id),
        browser=login.browser,
        begun_at=rfc3339(login.begun_at),
        last_seen_at=rfc3339(seen_at),
        current=login.id == current,
    )
