"""What a person calls a conversation or a message → what it is.

`alice/bob`, a conversation's number, `<either>/<seq>`, or the id that the sender gave a message.
"""

import re
from dataclasses import dataclass

from sqlmodel import Session, col, select

from chat.accounts import account_named, is_text
from chat.conversations import direct_conversation
from chat.errors import KatydidError, UnknownAccount
from chat.models import Account, Conversation, Member, Message

_NUMBERS = re.compile(r"([0-9]{1,18})(?:/([0-9]{1,18}))?")
_NAMES = re.compile(r"([a-z0-9][a-z0-9_-]{1,31})/([a-z0-9][a-z0-9_-]{1,31})(?:/([0-9]{1,18}))?")
_MOST_OF_ONE_ID = 20


class NothingCalledSo(KatydidError):
    """There is no such conversation or message."""


@dataclass(frozen=True)
class Reference:
    """Two accounts, their conversation if they have one, and a message in it if one is meant."""

    members: tuple[Account, Account]
    conversation: Conversation | None
    seq: int | None = None


def referred_to(session: Session, words: str) -> list[Reference]:
    """What is meant: one, or all messages whose senders gave them this id. Two numbers are a
    conversation's and a message's, even where accounts are called so. Raises NothingCalledSo and
    UnknownAccount."""
    if found := _NUMBERS.fullmatch(words):
        conversation, seq = int(found[1]), found[2]
        by_number = _of_conversation(session, conversation, None if seq is None else int(seq))
        if by_number is not None:
            return [by_number]
        if seq is not None:
            raise NothingCalledSo(f"There is no conversation {conversation}.")
    elif named := _NAMES.fullmatch(words):
        members = _account(session, named[1]), _account(session, named[2])
        seq = None if named[3] is None else int(named[3])
        return [_of_both(session, members, seq)]
    if is_text(words) and (by_id := _of_id(session, words)):
        return by_id
    raise NothingCalledSo(
        f"There is no conversation {words}, and no message with this id is archived. Of one that"
        " was sent and is not there, the conversation tells more: ./katydid explain"
        " SENDER/RECIPIENT."
    )


def _of_both(session: Session, members: tuple[Account, Account], seq: int | None) -> Reference:
    conversation = direct_conversation(session, *members)
    found = None
    if conversation is not None and conversation.id is not None:
        found = _of_conversation(session, conversation.id, seq)
    return found or Reference(members, None, seq)


def _account(session: Session, name: str) -> Account:
    account = account_named(session, name)
    if account is None:
        raise UnknownAccount(name)
    return account


def _of_conversation(session: Session, id: int, seq: int | None) -> Reference | None:
    conversation = session.get(Conversation, id)
    if conversation is None:
        return None
    members = session.exec(
        select(Account)
        .join(Member, col(Member.account_id) == Account.id)
        .where(Member.conversation_id == id)
        .order_by(col(Account.id))
    ).all()
    first, second = members
    return Reference((first, second), conversation, seq)


def _of_id(session: Session, client_id: str) -> list[Reference]:
    """Ids are unique in a conversation alone, so all are looked through: dear, and rarely asked."""
    of_id = select(Message.conversation_id, Message.seq).where(Message.client_id == client_id)
    newest_first = of_id.order_by(col(Message.stored_at).desc()).limit(_MOST_OF_ONE_ID)
    references = [_of_conversation(session, *place) for place in session.exec(newest_first)]
    return [reference for reference in references if reference is not None]
