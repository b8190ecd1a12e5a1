"""Things come and go as devices do: SQL and the broker, in which order, and why (`devices.py`)."""

import structlog

from chat.devices import devices_of, new_device
from chat.models import Account, Device
from chat.things import add_only_device, add_thing, check_may_add_thing, new_thing, thing_of
from chat.times import now
from web.devices import cut_off, let_in, newest_generation
from web.parts import parts

log = structlog.get_logger()


def make_thing(owner: Account, *, name: str, display_name: str | None) -> tuple[Account, Device]:
    """The thing and its device, which the broker lets in. Raises NotAcceptable, NameTaken,
    TooManyAttempts, TooManyThings, TooManyThingsEver and BrokerUnreachable."""
    thing, device = new_thing(
        owner,
        name=name,
        display_name=display_name,
        now=now(),
        generation=newest_generation(),
    )
    with parts().database.reading() as sql:
        check_may_add_thing(sql, owner, name)
    parts().limits.count_device(owner.name)
    let_in(thing, device, lambda sql: add_thing(sql, owner, thing, device))
    log.info("a thing was made", account=owner.name, thing=thing.name, device=device.id)
    return thing, device


def renew_credential(owner: Account, name: str) -> tuple[Account, Device]:
    """The thing with another device, after the old one is cut off: who had its words is out, even
    if what comes after that fails and has to be asked for again. Raises UnknownThing,
    TooManyAttempts, BrokerUnreachable and CredentialJustMade."""
    with parts().database.reading() as sql:
        thing = thing_of(sql, owner, name)
        old = devices_of(sql, thing)
    parts().limits.count_device(owner.name)
    for each in old:
        cut_off(thing, each.id)
    device = new_device(
        account=thing,
        name=thing.display_name,
        kind="thing",
        now=now(),
        generation=newest_generation(),
    )
    let_in(thing, device, lambda sql: add_only_device(sql, thing, device))
    log.info("a thing has a new credential", account=owner.name, thing=name, device=device.id)
    return thing, device
