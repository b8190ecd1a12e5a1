"""Links with which an account's password can be made anew, for who has forgotten it.

An admin makes one and passes it on by a way that both trust; nobody else can. An account has one at
a time, for a day, and it is used once.
"""

import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select, update

from chat.accounts import NO_PASSWORD
from chat.digests import digest_of
from chat.errors import NotAcceptable, ResetNotValid
from chat.logins import end_logins
from chat.models import Account, PasswordReset
from chat.second_factor import turn_off

LASTS = timedelta(days=1)


def offer_reset(session: Session, account: Account, now: datetime) -> tuple[str, datetime]:
    """What the link has to say, and when it expires; one from before is of no use any more.

    Raises NotAcceptable for what has no password: a thing, and who was deleted.
    """
    assert account.id is not None
    if account.password_hash == NO_PASSWORD:
        raise NotAcceptable("account", f"must have a password, and {account.name} has none")
    forget_reset(session, account.id)
    token = secrets.token_urlsafe(24)
    reset = PasswordReset(account_id=account.id, digest=digest_of(token), expires_at=now + LASTS)
    session.add(reset)
    return token, reset.expires_at


def account_to_reset(session: Session, token: str, now: datetime) -> Account:
    """Whose password the link is for. Raises ResetNotValid."""
    of_token = (PasswordReset.digest == digest_of(token), PasswordReset.expires_at > now)
    found = session.exec(select(Account).join(PasswordReset).where(*of_token)).first()
    if found is None or found.deleted_at is not None:
        raise ResetNotValid
    return found


def use_reset(session: Session, token: str, new_hash: str, now: datetime) -> list[str | None]:
    """From now on the new password is the right one, without a second factor, and the link is used;
    all logins are ended, as by `end_logins`. Raises ResetNotValid."""
    account = account_to_reset(session, token, now)
    of_token = col(PasswordReset.digest) == digest_of(token)
    if session.exec(delete(PasswordReset).where(of_token)).rowcount == 0:
        raise ResetNotValid  # another has used it in this moment
    of_account = col(Account.id) == account.id
    session.exec(update(Account).where(of_account).values(password_hash=new_hash))
    turn_off(session, account)  # who has lost the password has often lost the phone
    return end_logins(session, account)


def forget_reset(session: Session, account_id: int) -> None:
    """No link makes its password anew any more."""
    session.exec(delete(PasswordReset).where(col(PasswordReset.account_id) == account_id))
