"""The present password, and a code where there is a second factor, asked for before what cannot be
undone; and putting a new password in the place of the present one.

Whoever finds a browser that is logged in must not be able to take the account over, even if the
password is known to him too.
"""

from collections.abc import Callable
from contextlib import suppress

import structlog
from sqlmodel import Session

from chat.accounts import change_password, check_password, hash_of_new_password
from chat.devices import remove_device
from chat.errors import NoSecondFactor, NotAcceptable, WrongPresentPassword
from chat.logins import end_logins
from chat.models import Account
from chat.password_resets import account_to_reset, use_reset
from chat.times import now
from web.callers import Caller, log_failed_login
from web.devices import drop_at_broker
from web.parts import parts
from web.second_factor import asks_for_code, take_code

log = structlog.get_logger()


def check_present_password(account: Account, password: str) -> None:
    """Raises WrongPresentPassword and TooManyAttempts: here too one could guess."""
    parts().limits.check_login(account.name)
    try:
        check_password(account, password)
    except WrongPresentPassword:
        log_failed_login(account.name, by="present password")
        parts().limits.count_login(account.name)
        raise


def check_code(calling: Caller, code: str | None) -> None:
    """A code, where there is a second factor; who has come in by password (HTTP Basic) gave one
    with it. Asked for when all else is right: it is of no use again. Raises NotAcceptable,
    WrongCode and TooManyAttempts."""
    account = calling.account
    if calling.by_password or not asks_for_code(account):
        return
    if code is None:
        raise NotAcceptable("code", "is missing: this account has a second factor")
    # Turned off meanwhile: the password is enough again.
    with suppress(NoSecondFactor):
        take_code(account, code)


def change_own_password(calling: Caller, *, present: str, code: str | None, new: str) -> int:
    """From now on the new password is the right one. All other browsers are logged out, and cut off
    from the broker; answers how many. Phones, programs and things have credentials of their own,
    and stay.

    Raises NotAcceptable, and what `check_present_password` and `check_code` raise.
    """
    account = calling.account
    check_present_password(account, present)
    new_hash = hash_of_new_password(new)
    check_code(calling, code)

    def change(sql: Session) -> list[str | None]:
        change_password(sql, account, new_hash)
        return end_logins(sql, account, but=calling.login_id)

    ended = _forget_browsers(account, change)
    log.info("a password was changed", account=account.name, logins_ended=ended)
    return ended


def set_forgotten_password(token: str, new: str) -> None:
    """From now on the new password is the right one, by a link that an admin has made. All browsers
    are logged out, and cut off from the broker. Raises ResetNotValid and NotAcceptable."""
    with parts().database.reading() as sql:
        account = account_to_reset(sql, token, now())
    new_hash = hash_of_new_password(new)
    _forget_browsers(account, lambda sql: use_reset(sql, token, new_hash, now()))
    log.info("a forgotten password was set anew", account=account.name)


def _forget_browsers(account: Account, end: Callable[[Session], list[str | None]]) -> int:
    """Those whose logins it ends, of which it answers the devices; answers how many logins."""
    with parts().database.writing() as sql:
        ended = end(sql)
        devices = [device for device in ended if device is not None]
        for device in devices:
            remove_device(sql, device)
    drop_at_broker(account, devices)
    return len(ended)
