"""Accounts: registering one, finding one, telling whether a password is its own, changing it.

Names and passwords are judged here for every door. Limits on how often one may try are the
site's business.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from sqlalchemy import bindparam
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from chat.database import Database
from chat.errors import (
    NameTaken,
    NotAcceptable,
    ServerBusy,
    WrongPresentPassword,
)
from chat.invitations import check_invitation, use_invitation
from chat.models import Account
from chat.topics import is_account_name

PASSWORD_CHARACTERS = (8, 200)
DISPLAY_NAME_CHARACTERS = 64
# No hash: it opens nothing. Who was deleted has it, and every thing.
NO_PASSWORD = "!"  # noqa: S105

# argon2id with the library's defaults (RFC 9106, second recommendation): 64 MiB at each use.
_HASHER = PasswordHasher()
# Verified when there is no such account, so that a wrong name costs what a wrong password does, and
# from the first one on: it looks like all the others, and nobody has a password for it.
_NOBODYS_HASH = (
    f"$argon2id$v={ARGON2_VERSION}"
    f"$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)
# So that a flood of logins takes turns, instead of all the memory.
_AT_ONCE = BoundedSemaphore(2)
_TURN_WITHIN_SECONDS = 2.0
# As whom `./katydid doctor` tries what a device may do (`doctor_accounts.py`).
DOCTORS = ("katydid-doctor", "katydid-patient")
# The first has a meaning of its own in the API's paths.
_RESERVED = ("me", *DOCTORS)


def register(
    database: Database,
    *,
    name: str,
    password: str,
    display_name: str | None,
    now: datetime,
    invitation: str | None = None,
) -> Account:
    """The new account, shown as `display_name` or else as its name. The invitation, if one is
    given, is used up with it.

    Raises NotAcceptable for the first field that breaks a rule, NameTaken, ServerBusy and
    InvitationNotValid.
    """
    check_name(name)
    _check_password(password)
    shown_as = shown_name(display_name) if display_name else name
    with database.reading() as session:
        if invitation is not None:
            check_invitation(session, invitation, now)
        if account_named(session, name):
            raise NameTaken(name)
    account = Account(
        # Hashed before the transaction begins: the bridge wants to write meanwhile.
        name=name,
        display_name=shown_as,
        password_hash=_hash(_normal(password)),
        created_at=now,
    )
    try:
        with database.writing() as session:
            session.add(account)
            if invitation is not None:
                session.flush()
                use_invitation(session, invitation, account, now)
    except IntegrityError:  # another registered it since we looked
        raise NameTaken(name) from None
    return account


def authenticate(database: Database, name: str, password: str) -> Account | None:
    """The account, if the password is its own; the name of nobody, or of a thing, takes the same
    time.

    Raises ServerBusy.
    """
    with database.reading() as session:
        account = account_named(session, name)
    if account is None or account.password_hash == NO_PASSWORD:
        _is_password_of(_NOBODYS_HASH, password)
        return None
    return account if _is_password_of(account.password_hash, password) else None


def check_password(account: Account, password: str) -> None:
    """Raises WrongPresentPassword and ServerBusy."""
    if not _is_password_of(account.password_hash, password):
        raise WrongPresentPassword


def hash_of_new_password(password: str) -> str:
    """What is kept of it. Raises NotAcceptable and ServerBusy."""
    _check_password(password, field="new_password")
    return _hash(_normal(password))


def change_password(session: Session, account: Account, new_hash: str) -> None:
    """Raises WrongPresentPassword when it was changed by another since `account` was read."""
    unchanged = (
        col(Account.id) == account.id,
        col(Account.password_hash) == account.password_hash,
    )
    changed = session.exec(update(Account).where(*unchanged).values(password_hash=new_hash))
    if changed.rowcount == 0:
        raise WrongPresentPassword


def account_named(session: Session, name: str) -> Account | None:
    """The account of this name."""
    if not is_account_name(name):
        return None
    found: Account | None = session.execute(_NAMED, {"name": name}).scalar()
    return found


# Built once: to build it costs more than to run it.
_NAMED = select(Account).where(Account.name == bindparam("name"))


def _normal(password: str) -> str:
    """The same from whatever keyboard: one writes an accent with its letter, another after it (NIST
    SP 800-63B, section 3.1.1.2, which has NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _is_password_of(known_hash: str, password: str) -> bool:
    """Also as it was typed, which is what hashes were made of before."""
    ways = dict.fromkeys((_normal(password), password))
    return any(_is_made_of(known_hash, each) for each in ways)


def _is_made_of(known_hash: str, password: str) -> bool:
    try:
        with _taking_turns():
            return _HASHER.verify(known_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


@contextmanager
def _taking_turns() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_TURN_WITHIN_SECONDS):
        raise ServerBusy
    try:
        yield
    finally:
        _AT_ONCE.release()


def _hash(password: str) -> str:
    with _taking_turns():
        return _HASHER.hash(password)


def check_name(name: str) -> None:
    """Whether an account could be called so. Raises NotAcceptable."""
    if name in _RESERVED:
        raise NotAcceptable("account", f"must not be {name!r}, which has a meaning of its own")
    if not is_account_name(name):
        raise NotAcceptable(
            "account",
            "must be 2 to 32 characters long, of a-z, 0-9, _ and -, and begin with a letter or"
            " digit",
        )


def _check_password(password: str, *, field: str = "password") -> None:
    low, high = PASSWORD_CHARACTERS
    if len(password) > high or min(len(password), len(_normal(password))) < low:
        raise NotAcceptable(field, f"must be {low} to {high} characters long")
    if not is_text(password):
        raise NotAcceptable(field, "must be made of Unicode characters, without NUL")


def shown_name(display_name: str) -> str:
    """The display name as it is kept. Raises NotAcceptable."""
    shown_as = unicodedata.normalize("NFC", display_name).strip()
    is_short = len(shown_as) <= DISPLAY_NAME_CHARACTERS
    if not (is_short and is_printable(shown_as) and shows_something(shown_as)):
        raise NotAcceptable(
            "display_name", f"must be 1 to {DISPLAY_NAME_CHARACTERS} printable characters long"
        )
    return shown_as


def is_text(text: str) -> bool:
    """Whether every database can keep it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def is_printable(text: str) -> bool:
    """Whether it can stand as a name: no control, no direction override, no line break."""
    return all(character.isprintable() or character in _JOINERS for character in text)


def shows_something(text: str) -> bool:
    """Whether there is anything to be seen of it: not only what is printable, and blank."""
    return any(character not in _BLANK and not character.isspace() for character in text)


# Written between letters of Persian and inside emoji.
_JOINERS = "\u200c\u200d"
# Letters and signs to Unicode, all the same: fillers of Hangul, variation selectors, an accent that
# only joins, and Braille without a dot.
_BLANK = f"{_JOINERS}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(
    map(chr, range(0xFE00, 0xFE10))
)
