"""Ending logins from elsewhere: the browser's cookie is worth nothing at once, and its device is
cut off at the broker."""

import structlog
from flask import session

from chat.logins import end_login, end_logins, login_of
from chat.models import Account
from web.callers import Caller
from web.devices import cut_off
from web.parts import parts

log = structlog.get_logger()


def end_one(calling: Caller, digest: str) -> None:
    """End the login of this digest, also when it is the one that asks. Raises UnknownLogin and
    BrokerUnreachable."""
    with parts().database.writing() as sql:
        login = login_of(sql, calling.account, digest)
        login_id, device_id = login.id, login.device_id
        end_login(sql, login_id)
    if login_id == calling.login_id:
        session.clear()
    _cut_off(calling.account, [device_id])


def end_others(calling: Caller) -> int:
    """End all logins but the one that asks; answers how many. Raises BrokerUnreachable."""
    with parts().database.writing() as sql:
        devices = end_logins(sql, calling.account, but=calling.login_id)
    _cut_off(calling.account, devices)
    return len(devices)


def _cut_off(account: Account, devices: list[str | None]) -> None:
    """The cookies are dead already: a device that the broker keeps for now is still listed, and can
    be revoked there."""
    log.info("logins were ended", account=account.name, logins=len(devices))
    for device in devices:
        if device is not None:
            cut_off(account, device)
