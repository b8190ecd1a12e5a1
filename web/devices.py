"""Devices come and go at two places, SQL and the broker: in which order, and why.

SQL is the truth, and a broker that starts is filled from it. The broker is never asked within a
transaction: the bridge wants to archive meanwhile.
"""

from collections.abc import Callable, Iterable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from chat.devices import (
    check_may_add_device,
    device_of,
    devices_of,
    has_old_secret,
    keep_device,
    new_device,
    remove_device,
    renew_secret,
)
from chat.errors import BrokerUnreachable, KatydidError
from chat.logins import end_logins
from chat.models import Account, Device
from chat.times import now
from chat.user_names import device_user_name
from mqtt_acl.issuer import credentials_of
from web.parts import parts

log = structlog.get_logger()


def add_device(account: Account, *, name: str, kind: str) -> Device:
    """A new device that the broker lets in. Raises NotAcceptable, TooManyAttempts, TooManyDevices
    and BrokerUnreachable."""
    device = new_device(
        account=account, name=name, kind=kind, now=now(), generation=newest_generation()
    )
    with parts().database.reading() as sql:
        check_may_add_device(sql, account)
    parts().limits.count_device(account.name)
    let_in(account, device, lambda sql: keep_device(sql, account, device))
    log.info("a device was added", account=account.name, device=device.id, kind=kind)
    return device


def let_in(account: Account, device: Device, add: Callable[[Session], None]) -> None:
    """Tell the broker of the device, and `add` it to SQL. Raises BrokerUnreachable, and what `add`
    does.

    The broker first, so that SQL never has a device that the broker refused; what the broker alone
    knows is of no use, since nobody was told its secret.
    """
    credentials = credentials_of(account.name, device, parts().secrets.server_keys)
    parts().issuer.issue(credentials)
    try:
        with parts().database.writing() as sql:
            add(sql)  # which looks again: somebody may have disabled it since it was asked
    except (SQLAlchemyError, KatydidError):
        _revoke_if_it_can_be(credentials.user_name)
        raise
    if not parts().issuer.knows(credentials.user_name):
        # The broker started anew in between, from an SQL that did not have the device yet.
        parts().issuer.issue(credentials)


def newest_generation() -> int:
    """That of a device whose secret is from the newest server key."""
    return parts().secrets.server_keys.since


def with_newest_secret(account: Account, device: Device) -> Device:
    """The device as its browser is told of it: a secret from the server key before is made anew,
    and the connection with the old one cut. Where the broker does not answer, it stays.

    The broker first, for the old secret is dead as soon as SQL has the new one; and once more, for
    a broker that started anew in between, from an SQL that still had the old one.
    """
    keys = parts().secrets.server_keys
    if not has_old_secret(keys, device):
        return device
    renewed = Device(**device.model_dump() | {"generation": keys.since})
    credentials = credentials_of(account.name, renewed, keys)
    try:
        parts().issuer.issue(credentials)
        with parts().database.writing() as sql:
            renew_secret(sql, device.id, keys)
        parts().issuer.issue(credentials)
    except BrokerUnreachable as error:
        log.warning("a device keeps its old secret", device=device.id, problem=error.problem)
        return device
    log.info("a device has a new secret", account=account.name, device=device.id)
    return renewed


def revoke_device(account: Account, device_id: str) -> None:
    """Cut the device off and forget it. Raises UnknownDevice and BrokerUnreachable."""
    with parts().database.reading() as sql:
        device_of(sql, account, device_id)
    cut_off(account, device_id)


def revoke_others(account: Account, *, device_id: str | None, login_id: str | None) -> int:
    """As `revoke_device`, for all devices but the one that asks, and for all browsers that are
    logged in, but this one, also those that have no device yet; answers how many devices."""
    with parts().database.writing() as sql:
        others = [device for device in devices_of(sql, account) if device.id != device_id]
        end_logins(sql, account, but=login_id)
    for device in others:
        cut_off(account, device.id)
    return len(others)


def cut_off(
    account: Account, device_id: str, *, besides: Callable[[Session, Account], None] | None = None
) -> None:
    """Cut one of the account's devices off and forget it; `besides` is done in the transaction that
    does so. Raises BrokerUnreachable.

    The broker first: who is told that the device is gone must be able to rely on it. Should SQL
    fail after that, the device is dead but still listed, and can be revoked once more.
    """
    parts().issuer.revoke(device_user_name(account.name, device_id))
    with parts().database.writing() as sql:
        if remove_device(sql, device_id) and besides is not None:
            besides(sql, account)
    # Once more, for a broker that started anew in between, from an SQL that still had the device.
    _revoke_if_it_can_be(device_user_name(account.name, device_id))
    log.info("a device was revoked", account=account.name, device=device_id)


def give_up_device(account: Account, device_id: str) -> None:
    """As `revoke_device`, for logging out, which a broker that does not answer must not prevent.

    SQL first: with the row go the session and all copies of its cookie, and the secret is never
    shown again. A broker that is down is told by its next start; one that only did not answer keeps
    the credential until then, so the log says which it is.
    """
    with parts().database.writing() as sql:
        remove_device(sql, device_id)
    drop_at_broker(account, [device_id])


def drop_at_broker(account: Account, device_ids: Iterable[str]) -> None:
    """Tell the broker of devices that SQL has forgotten already."""
    for device_id in device_ids:
        _revoke_if_it_can_be(device_user_name(account.name, device_id))
        log.info("a device was given up", account=account.name, device=device_id)


def _revoke_if_it_can_be(user_name: str) -> None:
    try:
        parts().issuer.revoke(user_name)
    except BrokerUnreachable as error:
        log.error("the broker keeps a credential", user_name=user_name, problem=error.problem)
