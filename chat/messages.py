"""The archive as it is read: a page of a conversation's history, found by `seq` alone.

Writing is the bridge's business. A page from the middle of a long conversation costs what the
newest costs: the primary key is walked from the cursor on, never counted over with OFFSET.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from chat.accounts import account_named
from chat.changes import as_it_is_now, changes_between
from chat.conversations import direct_conversation, message_record
from chat.errors import UnknownAccount, WrongCursor
from chat.models import Account, Message
from chat.payloads import HISTORY_DEFAULT, HISTORY_LIMIT, LARGEST_SEQ, MessageRecord


@dataclass(frozen=True)
class Page:
    """Messages ascending by seq, each text as it is now, with the changes of that range in between;
    `more` tells whether there are others in the direction asked."""

    messages: list[MessageRecord]
    more: bool


def history(
    session: Session,
    *,
    account: Account,
    peer: str,
    before: int | None = None,
    after: int | None = None,
    limit: int = HISTORY_DEFAULT,
) -> Page:
    """At most `limit` messages of the account's conversation with `peer`.

    The newest ones below `before`, or the oldest ones above `after`, or simply the newest ones.
    Raises WrongCursor, and UnknownAccount for the peer. Two who never wrote have an empty page.
    """
    _check_cursors(before, after, limit)
    other = account_named(session, peer)
    if other is None:
        raise UnknownAccount(peer)
    conversation = direct_conversation(session, account, other)
    if conversation is None:
        return Page([], more=False)
    page = select(Message).where(Message.conversation_id == conversation.id)
    if after is not None:
        page = page.where(Message.seq > after).order_by(col(Message.seq))
    else:
        page = page.where(Message.seq < (LARGEST_SEQ if before is None else before))
        page = page.order_by(col(Message.seq).desc())
    found = list(session.exec(page.limit(limit + 1)))
    messages = found[:limit] if after is not None else found[:limit][::-1]
    return Page(_records(session, account, other, messages), more=len(found) > limit)


def _records(
    session: Session, account: Account, other: Account, messages: list[Message]
) -> list[MessageRecord]:
    """Of neighbouring messages, so that what was done to them is found by one range."""
    if not messages:
        return []
    conversation_id = messages[0].conversation_id
    changes = changes_between(session, conversation_id, messages[0].seq, messages[-1].seq)
    names = {account.id: account.name, other.id: other.name}
    to = {account.id: other.name, other.id: account.name}
    records = []
    for message in messages:
        record = message_record(message, names[message.sender_id], to[message.sender_id])
        if done := changes.get((conversation_id, message.seq)):
            record = as_it_is_now(record, done, names)
        records.append(record)
    return records


def _check_cursors(before: int | None, after: int | None, limit: int) -> None:
    if before is not None and after is not None:
        raise WrongCursor("after", "cannot be given together with before")
    for name, cursor in (("before", before), ("after", after)):
        if cursor is not None and not 0 <= cursor <= LARGEST_SEQ:
            raise WrongCursor(name, f"must be a whole number from 0 to {LARGEST_SEQ}")
    if not 1 <= limit <= HISTORY_LIMIT:
        raise WrongCursor("limit", f"must be a whole number from 1 to {HISTORY_LIMIT}")
