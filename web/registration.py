"""Registering an account at this site: whether it is open, how often, and then chat's rules."""

import structlog
from flask import request

from chat.accounts import register
from chat.models import Account
from chat.times import now
from web.errors import RegistrationClosed
from web.parts import parts

log = structlog.get_logger()


def check_registration_is_open() -> None:
    """Raises RegistrationClosed."""
    registration = parts().settings.registration
    if registration != "open":
        raise RegistrationClosed(registration)


def register_account(*, name: str, password: str, display_name: str | None) -> Account:
    """The new account. Writes SQL alone: the broker hears of an account with its first device.

    Raises RegistrationClosed, TooManyAttempts, NotAcceptable and NameTaken.
    """
    check_registration_is_open()
    parts().limits.count_registration()
    account = register(
        parts().database, name=name, password=password, display_name=display_name, now=now()
    )
    log.info("an account was registered", account=name, address=request.remote_addr)
    return account
