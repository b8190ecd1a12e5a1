"""Registering an account at this site: whether it is open, how often, and then chat's rules."""

import structlog
from flask import request

from chat.accounts import register
from chat.invitations import check_invitation
from chat.models import Account
from chat.times import now
from web.errors import RegistrationClosed
from web.parts import parts

log = structlog.get_logger()


def check_registration_is_open(invitation: str | None = None) -> None:
    """For all, or for who has that invitation. Raises RegistrationClosed and InvitationNotValid."""
    registration = parts().settings.registration
    if registration == "open":
        return
    if registration != "invite" or invitation is None:
        raise RegistrationClosed(registration)
    with parts().database.reading() as sql:
        check_invitation(sql, invitation, now())


def register_account(
    *, name: str, password: str, display_name: str | None, invitation: str | None
) -> Account:
    """The new account. Writes SQL alone: the broker hears of an account with its first device. An
    invitation is used up where one is needed.

    Raises RegistrationClosed, InvitationNotValid, TooManyAttempts, NotAcceptable and NameTaken.
    """
    check_registration_is_open(invitation)
    parts().limits.count_registration()
    account = register(
        parts().database,
        name=name,
        password=password,
        display_name=display_name,
        now=now(),
        invitation=invitation if parts().settings.registration == "invite" else None,
    )
    log.info("an account was registered", account=name, address=request.remote_addr)
    return account
