"""`/api/v1/things`: the caller's things, whom they may talk with, and what each connects with.

A credential is told when it is made, and never again: whoever lost it makes a new one.
"""

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response, url_for
from msgspec import Struct
from msgspec.structs import asdict

from chat.accounts import DISPLAY_NAME_CHARACTERS
from chat.errors import (
    BrokerUnreachable,
    CredentialJustMade,
    NameTaken,
    NotAcceptable,
    TooManyAllowed,
    TooManyThings,
    TooManyThingsEver,
    UnknownAccount,
    UnknownThing,
)
from chat.fields import AccountName, DeviceId, Time, shown_as
from chat.models import Account, Device
from chat.presence import online_among
from chat.records import wire_time
from chat.things import allow, allowed_at, disallow, last_uses, thing_of, things_of
from chat.times import now, rfc3339
from web.answers import as_json, nothing
from web.api import PREFIX
from web.api.devices import Connection, connection_of
from web.callers import person
from web.contract.operations import Callers, operation
from web.deletions import Erased, delete_thing, told_of
from web.input import body_as, query_as
from web.parts import parts
from web.qr import qr_code, thing_url
from web.things import make_thing, renew_credential

things = Blueprint("things", __name__, url_prefix=f"{PREFIX}/things")


class NewThing(Struct, frozen=True):
    """What the thing is to be called; without a `display_name` it is shown by its name."""

    account: AccountName
    display_name: (
        Annotated[
            str, shown_as("Printable characters.", minLength=1, maxLength=DISPLAY_NAME_CHARACTERS)
        ]
        | None
    ) = None


class ThingDeletion(Struct, frozen=True):
    """What becomes of the thing's messages."""

    messages: Annotated[str, shown_as(enum=["erase", "keep"])] = "keep"


class Thing(Struct, frozen=True):
    """A thing, and who may talk with it besides its owner."""

    account: AccountName
    display_name: str
    created_at: Time
    last_used_at: Time | None
    last_seen_at: Time | None
    online: bool
    allowed: list[AccountName]


class Things(Struct, frozen=True):
    """All of the caller's, by name."""

    things: list[Thing]


class ThingCredential(Struct, frozen=True):
    """What a thing connects with; the same in one `url`, and that as a QR code, a data URL."""

    account: AccountName
    device: DeviceId
    mqtt: Connection
    url: str
    qr: str


class NewThingCredential(ThingCredential, frozen=True):
    """A new thing, and what it connects with."""

    display_name: str
    created_at: Time
    last_used_at: Time | None
    last_seen_at: Time | None
    online: bool
    allowed: list[AccountName]


@things.post("")
@operation(
    "Make a thing",
    "Its credential is shown this once.",
    body=NewThing,
    answers={201: NewThingCredential},
    headers={"Location": "Where the thing's account is found."},
    raises=(NameTaken, TooManyThings, TooManyThingsEver, BrokerUnreachable),
    callers=Callers.PERSONS,
)
def add() -> Response:
    """201 with the credential."""
    owner = person().account
    asked = body_as(NewThing)
    thing, device = make_thing(owner, name=asked.account, display_name=asked.display_name)
    told = NewThingCredential(
        **asdict(_described(thing)),
        **{
            field: value
            for field, value in asdict(_with_credential(owner, thing, device)).items()
            if field != "account"
        },
    )
    response = as_json(told, 201)
    response.headers["Location"] = url_for("accounts.show", name=thing.name)
    return response


@things.get("")
@operation("One's own things", answers={200: Things}, callers=Callers.PERSONS)
def index() -> Response:
    """All of them, by name, without their credentials."""
    owner = person().account
    with parts().database.reading() as sql:
        found = things_of(sql, owner)
        allowed, used = allowed_at(sql, found), last_uses(sql, found)
        online = online_among(sql, [thing.id for thing in found if thing.id is not None])
    described = [
        _described(
            thing,
            allowed=allowed[thing.name],
            online=thing.id in online,
            last_used_at=used.get(thing.name),
        )
        for thing in found
    ]
    return as_json(Things(described))


@things.delete("/<name>")
@operation(
    "Delete a thing for ever",
    "Its name is never free again. 202 when very much is to be erased, which goes on by itself.",
    query=ThingDeletion,
    answers={200: Erased, 202: Erased},
    raises=(UnknownThing, BrokerUnreachable),
    callers=Callers.PERSONS,
)
def remove(name: str) -> Response:
    """What was erased: 200 when it is done, 202 when it goes on."""
    owner = person().account
    messages = query_as(ThingDeletion).messages
    if messages not in ("erase", "keep"):
        raise NotAcceptable("messages", "must be erase or keep")
    with parts().database.reading() as sql:
        thing = thing_of(sql, owner, name)
    deletion = delete_thing(thing, erases_messages=messages == "erase")
    return as_json(told_of(thing, deletion), 200 if deletion.finished_at else 202)


@things.put("/<name>/allowed/<peer>")
@operation(
    "Let an account talk with a thing",
    "Also when it was so already. It holds from the next message on.",
    answers={204: None},
    raises=(UnknownThing, UnknownAccount, TooManyAllowed, NotAcceptable),
    callers=Callers.PERSONS,
)
def add_allowed(name: str, peer: str) -> Response:
    """204, also when it was so already."""
    allow(parts().database, person().account, name, peer, now())
    return nothing()


@things.delete("/<name>/allowed/<peer>")
@operation(
    "Let an account talk with a thing no more",
    "Also when it was so already. It holds from the next message on.",
    answers={204: None},
    raises=(UnknownThing, UnknownAccount),
    callers=Callers.PERSONS,
)
def remove_allowed(name: str, peer: str) -> Response:
    """204, also when it was so already."""
    owner = person().account
    with parts().database.writing() as sql:
        disallow(sql, owner, name, peer)
    return nothing()


@things.post("/<name>/credential")
@operation(
    "Give a thing a new credential",
    "The old one is dead, and its connection cut.",
    answers={201: ThingCredential},
    raises=(UnknownThing, CredentialJustMade, BrokerUnreachable),
    callers=Callers.PERSONS,
)
def renew(name: str) -> Response:
    """201 with a new credential; the old one is dead, and its connection cut."""
    owner = person().account
    thing, device = renew_credential(owner, name)
    return as_json(_with_credential(owner, thing, device), 201)


def _described(
    thing: Account,
    *,
    allowed: list[str] | None = None,
    online: bool = False,
    last_used_at: datetime | None = None,
) -> Thing:
    return Thing(
        account=thing.name,
        display_name=thing.display_name,
        created_at=rfc3339(thing.created_at),
        last_used_at=wire_time(last_used_at),
        last_seen_at=wire_time(thing.last_seen_at),
        online=online,
        allowed=allowed or [],
    )


def _with_credential(owner: Account, thing: Account, device: Device) -> ThingCredential:
    credential = connection_of(thing, device)
    url = thing_url(credential.mqtt, owner.name)
    return ThingCredential(
        account=thing.name,
        device=credential.device,
        mqtt=credential.mqtt,
        url=url,
        qr=qr_code(url),
    )
