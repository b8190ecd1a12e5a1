"""Things: accounts that belong to a person, who says with whom they may talk.

A thing has no password and one device, whose credential its owner has made, and makes anew. Only
its owner and whom the owner allows may talk with it, and it with nobody else: the bridge goes by
the same tables. What a thing is never changes: not its kind, not its owner.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from chat.accounts import NO_PASSWORD, account_named, check_name, shown_name
from chat.database import Database
from chat.devices import devices_of, new_device_id
from chat.errors import (
    CredentialJustMade,
    NameTaken,
    NotAcceptable,
    TooManyAllowed,
    TooManyThings,
    TooManyThingsEver,
    UnknownAccount,
    UnknownThing,
)
from chat.locks import lock_enabled
from chat.models import Account, Allowance, Device

# A house has some dozens; each is a device, and costs the broker at every change of any.
MOST_THINGS = 100
# With those that were deleted, whose names are never free again: nobody takes them all.
MOST_THINGS_EVER = 1_000
# So that the list of all things stays short enough to be sent at once.
MOST_ALLOWED = 100


def new_thing(
    owner: Account, *, name: str, display_name: str | None, now: datetime, generation: int = 1
) -> tuple[Account, Device]:
    """A thing and its device, not in SQL yet, since the broker is told first. It is shown as
    `display_name` or else as its name. Raises NotAcceptable."""
    check_name(name)
    shown_as = shown_name(display_name) if display_name else name
    thing = Account(
        name=name,
        display_name=shown_as,
        kind="thing",
        owner_id=owner.id,
        password_hash=NO_PASSWORD,
        created_at=now,
    )
    # Its account has no number yet, and gives it to the device when it is added.
    device = Device(
        id=new_device_id(),
        account_id=0,
        name=shown_as,
        kind="thing",
        generation=generation,
        created_at=now,
    )
    return thing, device


def check_may_add_thing(session: Session, owner: Account, name: str) -> None:
    """Raises NameTaken, TooManyThings and TooManyThingsEver."""
    if account_named(session, name) is not None:
        raise NameTaken(name)
    lives = select(func.count(), func.count(col(Account.id)).filter(_is_there()))
    ever, present = session.exec(lives.where(Account.owner_id == owner.id)).one()
    if present >= MOST_THINGS:
        raise TooManyThings(MOST_THINGS)
    if ever >= MOST_THINGS_EVER:
        raise TooManyThingsEver(MOST_THINGS_EVER)


def add_thing(session: Session, owner: Account, thing: Account, device: Device) -> None:
    """Raises what `check_may_add_thing` does; AccountDisabled for an owner who was disabled
    meanwhile, and UnknownAccount for one who is being deleted."""
    lock_enabled(session, owner)
    check_may_add_thing(session, owner, thing.name)
    session.add(thing)
    try:
        session.flush()
    except IntegrityError:  # another has registered it in this moment
        raise NameTaken(thing.name) from None
    assert thing.id is not None
    device.account_id = thing.id
    session.add(device)


def add_only_device(session: Session, thing: Account, device: Device) -> None:
    """Raises CredentialJustMade when another request has given it one; AccountDisabled for a thing
    that was disabled meanwhile, and UnknownAccount for one that is being deleted."""
    lock_enabled(session, thing)
    if devices_of(session, thing):
        raise CredentialJustMade(thing.name)
    session.add(device)


def things_of(session: Session, owner: Account) -> list[Account]:
    """Those that are there, by name."""
    own = select(Account).where(Account.owner_id == owner.id, _is_there())
    return list(session.exec(own.order_by(Account.name)))


def thing_of(session: Session, owner: Account, name: str) -> Account:
    """One of the owner's things. Raises UnknownThing, also for another's."""
    found = account_named(session, name)
    if found is None or found.owner_id != owner.id or found.deleted_at is not None:
        raise UnknownThing(name)
    return found


def owner_of(session: Session, account: Account) -> Account | None:
    """Whose it is; None for a person."""
    return None if account.owner_id is None else session.get_one(Account, account.owner_id)


# Whom the owner allows.


def allow(database: Database, owner: Account, thing: str, name: str, now: datetime) -> None:
    """Let the account of that name talk with the thing; a second call changes nothing.

    Raises UnknownThing, UnknownAccount, TooManyAllowed, and NotAcceptable for the thing itself and
    for its owner.
    """
    with database.reading() as session:
        thing_id = _id(thing_of(session, owner, thing))
        allowed_id = _id_of(session, name)
        if allowed_id in (thing_id, owner.id):
            whom = "the thing itself" if allowed_id == thing_id else "its owner, who always may"
            raise NotAcceptable("account", f"must be another than {whom}")
        if session.get(Allowance, (thing_id, allowed_id)) is not None:
            return
        of_thing = select(func.count()).where(Allowance.thing_id == thing_id)
        if session.exec(of_thing).one() >= MOST_ALLOWED:
            raise TooManyAllowed(thing, MOST_ALLOWED)
    try:
        with database.writing() as session:
            session.add(Allowance(thing_id=thing_id, allowed_id=allowed_id, created_at=now))
    except IntegrityError:  # another tab has done it since we looked
        return


def disallow(session: Session, owner: Account, thing: str, name: str) -> None:
    """From now on the account may not; a second call changes nothing. Raises UnknownThing and
    UnknownAccount."""
    pair = (
        col(Allowance.thing_id) == _id(thing_of(session, owner, thing)),
        col(Allowance.allowed_id) == _id_of(session, name),
    )
    session.exec(delete(Allowance).where(*pair))


def allowed_at(session: Session, things: Iterable[Account]) -> dict[str, list[str]]:
    """Of each thing's name, the names of those who may talk with it besides its owner, sorted."""
    names = {_id(thing): thing.name for thing in things}
    allowed: dict[str, list[str]] = {name: [] for name in names.values()}
    found = session.exec(
        select(Allowance.thing_id, Account.name)
        .join(Account, col(Account.id) == Allowance.allowed_id)
        .where(col(Allowance.thing_id).in_(names))
        .order_by(Account.name)
    )
    for thing_id, name in found:
        allowed[names[thing_id]].append(name)
    return allowed


def last_uses(session: Session, things: Iterable[Account]) -> dict[str, datetime]:
    """When each thing, by its name, was last used; those that never were are missing."""
    names = {_id(thing): thing.name for thing in things}
    used = select(Device.account_id, Device.last_used_at).where(
        col(Device.account_id).in_(names), col(Device.last_used_at).is_not(None)
    )
    return {names[thing_id]: at for thing_id, at in session.exec(used) if at is not None}


def forget_allowances(session: Session, account_id: int) -> None:
    """Of a thing, and of whom things' owners have allowed."""
    either = or_(col(Allowance.thing_id) == account_id, col(Allowance.allowed_id) == account_id)
    session.exec(delete(Allowance).where(either))


# In a statement: whether one of both, `:account` with its `:owner` and `peer`, is a thing, and the
# other neither its owner nor allowed.
MAY_NOT_TALK = """(
    peer.owner_id IS NOT NULL AND peer.owner_id <> :account
      AND NOT EXISTS (SELECT 1 FROM allowance WHERE thing_id = peer.id AND allowed_id = :account)
    OR CAST(:owner AS BIGINT) IS NOT NULL AND peer.id <> CAST(:owner AS BIGINT)
      AND NOT EXISTS (SELECT 1 FROM allowance WHERE thing_id = :account AND allowed_id = peer.id)
)"""


def _is_there() -> ColumnElement[bool]:
    return col(Account.deleted_at).is_(None)


def _id_of(session: Session, name: str) -> int:
    found = account_named(session, name)
    if found is None or found.deleted_at is not None:
        raise UnknownAccount(name)
    return _id(found)


def _id(account: Account) -> int:
    assert account.id is not None
    return account.id
