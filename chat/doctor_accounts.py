"""The two accounts as which `./katydid doctor` tries out what a device may do and may not.

There is one pair for the life of an installation, since names are never given out twice: made by
the first doctor, under names that nobody can register. While no doctor is at work they are nobody,
as an account that was deleted: unknown to everyone, without devices and conversations. So no doctor
leaves a trace that anybody meets, whatever `KATYDID_REGISTRATION` says.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select, update

from chat.accounts import DOCTORS, NO_PASSWORD, account_named
from chat.conversations import direct_conversation
from chat.database import Database
from chat.errors import KatydidError
from chat.indexing import forget_conversation
from chat.models import (
    Account,
    Conversation,
    Device,
    Member,
    Message,
    Notification,
    Presence,
    RefusedCopy,
)

KIND = "doctor"
# No doctor takes so long: what is older was left by one that was killed.
_LEFT_AFTER = timedelta(minutes=10)
# What refers to a conversation, in the order in which it may go.
_OF_A_CONVERSATION: tuple[Any, ...] = (Notification, RefusedCopy, Message, Member)


class NameOfADoctorTaken(KatydidError):
    """Somebody registered the name before it was kept for doctors."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The account {name} is somebody's, who had it before doctors used it.")


def open_doctor_accounts(session: Session, now: datetime) -> tuple[Account, Account]:
    """Both accounts, there for as long as a doctor is at work. Raises NameOfADoctorTaken."""
    first, second = (_opened(session, name, now) for name in DOCTORS)
    return first, second


def devices_left_behind(session: Session, now: datetime) -> list[tuple[str, str]]:
    """Name of the account and id, of each device that a doctor left who was killed."""
    old = col(Device.created_at) < now - _LEFT_AFTER
    found = select(Account.name, Device.id).join(Device).where(_is_doctor(), old)
    return [(name, device_id) for name, device_id in session.exec(found)]


def close_doctor_accounts(database: Database, now: datetime) -> bool:
    """Both are nobody again, and what they wrote is gone; False while another doctor is at work."""
    with database.writing() as session:
        if session.exec(select(Device.id).join(Account).where(_is_doctor()).limit(1)).first():
            return False
        # By itself, first: what a bridge still has of them is refused from now on.
        closed = update(Account).where(_is_doctor(), col(Account.deleted_at).is_(None))
        session.exec(closed.values(deleted_at=now, last_seen_at=None))
    with database.writing() as session:
        emptied = _forget_what_they_wrote(session)
    if emptied is not None:
        forget_conversation(database, emptied)
        with database.writing() as session:  # last, as SQLite gives its id out again
            session.exec(delete(Conversation).where(col(Conversation.id) == emptied))
    return True


def _opened(session: Session, name: str, now: datetime) -> Account:
    account = account_named(session, name)
    if account is None:
        account = Account(
            name=name,
            display_name=name,
            kind=KIND,
            password_hash=NO_PASSWORD,
            created_at=now,
            hides_presence=True,
        )
    elif account.kind != KIND:
        raise NameOfADoctorTaken(name)
    account.deleted_at = None
    session.add(account)
    session.flush()
    return account


def _forget_what_they_wrote(session: Session) -> int | None:
    """The id of their conversation, if there is one, which is empty now."""
    accounts = [account_named(session, name) for name in DOCTORS]
    if None in accounts:
        return None
    first, second = (account for account in accounts if account is not None)
    session.exec(delete(Presence).where(col(Presence.account_id).in_((first.id, second.id))))
    conversation = direct_conversation(session, first, second)
    if conversation is None:
        return None
    for table in _OF_A_CONVERSATION:
        session.exec(delete(table).where(table.conversation_id == conversation.id))
    conversation.last_seq = 0
    session.add(conversation)
    return conversation.id


def _is_doctor() -> ColumnElement[bool]:
    return col(Account.kind) == KIND
