"""Devices: what an account connects with, and the broker credential of each.

A device's secret is derived from the server key, so it is never stored, can be shown again to the
account that owns it, and a broker that lost its state is filled again from SQL. Its generation says
from which server key, when that is changed. Telling the broker is `mqtt_acl`'s business.
"""

import base64
import hmac
import secrets
import string
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, delete, select, update

from chat.accounts import is_printable, shows_something
from chat.errors import NotAcceptable, TooManyDevices, UnknownDevice
from chat.locks import lock_enabled
from chat.models import Account, Device
from chat.presence import forget_device
from chat.secrets import ServerKeys
from chat.user_names import account_and_device, is_device_id

KINDS = ("browser", "phone", "thing")
NAME_CHARACTERS = 64
MOST_DEVICES = 100
USE_NOTED_EVERY = timedelta(minutes=1)

_ID_CHARACTERS = 12
_ID_ALPHABET = string.ascii_lowercase + string.digits


def new_device_id() -> str:
    """A random id: 12 of a-z and 0-9."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))


def new_device(
    *, account: Account, name: str, kind: str, now: datetime, generation: int = 1
) -> Device:
    """A device that is not in SQL yet, since the broker is told first. Raises NotAcceptable."""
    check_name_and_kind(name, kind)
    assert account.id is not None
    return Device(
        id=new_device_id(),
        account_id=account.id,
        name=name.strip(),
        kind=kind,
        generation=generation,
        created_at=now,
    )


def check_name_and_kind(name: str, kind: str) -> None:
    """Raises NotAcceptable."""
    name = name.strip()
    is_shown = is_printable(name) and shows_something(name)
    if not (is_shown and len(name) <= NAME_CHARACTERS):
        raise NotAcceptable("name", f"must be 1 to {NAME_CHARACTERS} printable characters long")
    if kind not in KINDS:
        raise NotAcceptable("kind", f"must be one of {', '.join(KINDS)}")


def check_may_add_device(session: Session, account: Account) -> None:
    """Raises TooManyDevices: each costs the broker, at every change of any."""
    count = select(func.count()).select_from(Device).where(Device.account_id == account.id)
    if session.exec(count).one() >= MOST_DEVICES:
        raise TooManyDevices(MOST_DEVICES)


def keep_device(session: Session, account: Account, device: Device) -> None:
    """A new one, from now on. Raises TooManyDevices, also for all but the first of those that come
    at once for the last place; AccountDisabled and UnknownAccount."""
    lock_enabled(session, account)
    check_may_add_device(session, account)
    session.add(device)


def devices_of(session: Session, account: Account) -> list[Device]:
    """The account's devices, newest first."""
    newest_first = (col(Device.created_at).desc(), Device.id)
    return list(
        session.exec(select(Device).where(Device.account_id == account.id).order_by(*newest_first))
    )


def device_of(session: Session, account: Account, device_id: str) -> Device:
    """One of the account's own devices. Raises UnknownDevice, also for another's."""
    device = session.get(Device, device_id) if is_device_id(device_id) else None
    if device is None or device.account_id != account.id:
        raise UnknownDevice(device_id)
    return device


def remove_device(session: Session, device_id: str) -> bool:
    """Forget a device, its connections, and the logins of its browser (which go with the row);
    one that is not there is forgotten already. Answers whether it was."""
    device = session.get(Device, device_id)
    if device is None:
        return False
    forget_device(session, device)
    # By a statement: another may be forgetting it at the same moment.
    return session.exec(delete(Device).where(col(Device.id) == device_id)).rowcount > 0


def is_use_noted(device: Device, now: datetime) -> bool:
    """Whether it is known that the device is in use: to the minute is enough."""
    return device.last_used_at is not None and now - device.last_used_at < USE_NOTED_EVERY


def note_use(session: Session, device: Device, now: datetime) -> None:
    """The device was used just now."""
    session.exec(update(Device).where(col(Device.id) == device.id).values(last_used_at=now))


def all_devices(session: Session) -> Iterator[tuple[str, Device]]:
    """Every device with the name of its account, unless that is disabled: what the broker must
    know."""
    names_and_devices = select(Account.name, Device).join(Device).where(_IS_ENABLED)
    yield from session.exec(names_and_devices.order_by(col(Account.id)))


def newest_generation(session: Session) -> int:
    """That of the devices that have the newest secrets; 0 when there are none."""
    return session.exec(select(func.max(Device.generation))).one() or 0


def has_old_secret(keys: ServerKeys, device: Device) -> bool:
    """Whether its secret is from the server key before, and ends with that."""
    return keys.before is not None and device.generation < keys.since


def devices_with_old_secrets(session: Session, keys: ServerKeys) -> list[tuple[str, Device]]:
    """All of which `has_old_secret` is so, with the names of their accounts, by name."""
    if keys.before is None:
        return []
    wanted = select(Account.name, Device).join(Device).where(col(Device.generation) < keys.since)
    return list(session.exec(wanted.order_by(Account.name, col(Device.name), Device.id)))


def renew_secret(session: Session, device_id: str, keys: ServerKeys) -> None:
    """Let the device's secret be from the newest server key; a second call changes nothing."""
    is_it = (col(Device.id) == device_id, col(Device.generation) < keys.since)
    session.exec(update(Device).where(*is_it).values(generation=keys.since))


def device_secret(keys: ServerKeys, device: Device) -> str:
    """The broker password of a device: 43 characters of base64url."""
    return _secret(keys, device.id, device.generation)


def authenticate_device(
    session: Session, keys: ServerKeys, name: str, password: str
) -> tuple[Account, Device] | None:
    """The account and the device, if `name` is its broker user name and `password` its secret; None
    also while the account is disabled."""
    found = _owned_device(session, name)
    if found is None:
        return None
    right = device_secret(keys, found[1])
    return found if _is_same(right, password) else None


def is_device(session: Session, user_name: str) -> bool:
    """Whether there is a device of that broker user name."""
    return _generation_of(session, user_name) is not None


def is_secret_of_device(session: Session, keys: ServerKeys, name: str, password: str) -> bool:
    """As `authenticate_device`, for a broker that asks at each login: a quarter of the work, since
    nobody needs the rows."""
    generation = _generation_of(session, name)
    if generation is None:
        return False
    return _is_same(_secret(keys, name.partition(".")[2], generation), password)


def _owned_device(session: Session, user_name: str) -> tuple[Account, Device] | None:
    """One look-up by primary key, in both tables."""
    named = account_and_device(user_name)
    if named is None:
        return None
    values = dict(zip(("account", "device"), named, strict=True))
    found = session.execute(_OWNED, values).first()
    return None if found is None else (found[0], found[1])


def _generation_of(session: Session, user_name: str) -> int | None:
    """One look-up by primary key."""
    named = account_and_device(user_name)
    if named is None:
        return None
    values = dict(zip(("account", "device"), named, strict=True))
    return session.connection().execute(_GENERATION, values).scalar()


_IS_ENABLED = col(Account.disabled_at).is_(None)
# Built once: to build one costs more than to run it.
_IS_OWNED = (
    Device.id == bindparam("device"),
    Account.name == bindparam("account"),
    _IS_ENABLED,
)
_OWNED = select(Account, Device).join(Device).where(*_IS_OWNED)
_GENERATION = select(Device.generation).join(Account).where(*_IS_OWNED)


def _secret(keys: ServerKeys, device_id: str, generation: int) -> str:
    digest = hmac.digest(keys.of(generation), f"{device_id} {generation}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _is_same(right: str, given: str) -> bool:
    return hmac.compare_digest(right.encode(), given.encode("utf-8", "replace"))
