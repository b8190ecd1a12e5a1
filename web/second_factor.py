"""The code of the second factor, where the site asks for one: in the second step of a login, beside
the password of a program, and before the second factor itself is changed."""

import structlog
from flask import request

from chat.errors import WrongCode
from chat.models import Account
from chat.second_factor import confirm_secret, has_second_factor, is_recovery_code, use_code
from chat.times import now
from web.known_browsers import known_browser
from web.parts import parts

log = structlog.get_logger()


def asks_for_code(account: Account) -> bool:
    """Whether the right password is only half of a login."""
    with parts().database.reading() as sql:
        return has_second_factor(sql, account)


def take_code(account: Account, code: str) -> None:
    """Take a code, which is of no use again. Raises WrongCode, NoSecondFactor and
    TooManyAttempts."""
    if is_recovery_code(code):
        parts().limits.count_recovery_code(account.name)
    else:
        parts().limits.count_code(account.name, browser=known_browser(account))
    try:
        with parts().database.writing() as sql:
            use_code(sql, account, code, now())
    except WrongCode:
        _log_wrong_code(account)
        raise


def turn_on(account: Account, code: str) -> list[str]:
    """Ask for codes from now on; the recovery codes. Raises WrongCode, NoSecondFactor,
    SecondFactorIsOn and TooManyAttempts.

    This asks for no password, and who has a device's credential must not be able to use up the
    attempts of who logs in: wrong codes alone count, and by themselves.
    """
    parts().limits.check_offered_code(account.name)
    try:
        with parts().database.writing() as sql:
            codes = confirm_secret(sql, account, code, now())
    except WrongCode:
        _log_wrong_code(account)
        parts().limits.count_offered_code(account.name)
        raise
    log.info("a second factor was turned on", account=account.name)
    return codes


def _log_wrong_code(account: Account) -> None:
    log.warning("a code was wrong", account=account.name, address=request.remote_addr)
