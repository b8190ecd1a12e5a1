"""The present password, asked for before what cannot be undone; and putting a new one in its place.

Whoever finds a browser that is logged in must not be able to take the account over.
"""

import structlog

from chat.accounts import change_password, check_password, hash_of_new_password
from chat.devices import remove_device
from chat.errors import WrongPresentPassword
from chat.logins import end_logins
from chat.models import Account
from chat.password_resets import account_to_reset, use_reset
from chat.times import now
from web.callers import Caller, log_failed_login
from web.devices import drop_at_broker
from web.parts import parts

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


def change_own_password(calling: Caller, *, present: str, new: str) -> int:
    """From now on the new password is the right one. All other browsers are logged out, and cut off
    from the broker; answers how many. Phones, programs and things have credentials of their own,
    and stay.

    Raises WrongPresentPassword, TooManyAttempts and NotAcceptable.
    """
    check_present_password(calling.account, present)
    new_hash = hash_of_new_password(new)
    with parts().database.writing() as sql:
        change_password(sql, calling.account, new_hash)
        ended = end_logins(sql, calling.account, but=calling.login_id)
        devices = [device for device in ended if device is not None]
        for device in devices:
            remove_device(sql, device)
    drop_at_broker(calling.account, devices)
    log.info("a password was changed", account=calling.account.name, logins_ended=len(ended))
    return len(ended)


def set_forgotten_password(token: str, new: str) -> None:
    """From now on the new password is the right one, by a link that an admin has made. All browsers
    are logged out, and cut off from the broker. Raises ResetNotValid and NotAcceptable."""
    with parts().database.reading() as sql:
        account = account_to_reset(sql, token, now())
    new_hash = hash_of_new_password(new)
    with parts().database.writing() as sql:
        devices = use_reset(sql, token, new_hash, now())
        for device in devices:
            remove_device(sql, device)
    drop_at_broker(account, devices)
    log.info("a forgotten password was set anew", account=account.name)
