"""Conversations: finding the one of two accounts, and the list that an account sees.

What one of both hides from the other is left out of that list. That a direct conversation has
exactly two members is known to `direct_key` and `peer_of` alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from chat.changes import (
    Changes,
    as_it_is_now,
    changes_between,
    changes_of_newest_texts,
    newest_text,
)
from chat.models import Account, Block, Conversation, Member, Message
from chat.payloads import MessageRecord
from chat.presence import online_among
from chat.times import rfc3339


@dataclass(frozen=True, kw_only=True)
class ConversationSummary:
    """A line in an account's list: who it is with, what was said last, how far each has read."""

    conversation: int
    peer: str
    display_name: str
    last_message: MessageRecord | None
    last_seq: int
    read: int
    delivered: int
    peer_read: int
    peer_delivered: int
    unread: int
    online: bool
    last_seen_at: str | None
    # Nobody can write to the peer any more.
    deleted: bool
    muted: bool
    archived: bool
    pinned: bool


def direct_key(account_id: int, other_id: int) -> str:
    """What makes a direct conversation unique: both account ids, the lower one first."""
    return f"{min(account_id, other_id)}:{max(account_id, other_id)}"


def direct_conversation(session: Session, account: Account, peer: Account) -> Conversation | None:
    """The conversation of the two; None before its first message."""
    assert account.id is not None
    assert peer.id is not None
    key = direct_key(account.id, peer.id)
    return session.exec(select(Conversation).where(Conversation.key == key)).first()


def conversations_of(
    session: Session, account: Account, *, peer: Account | None = None
) -> list[ConversationSummary]:
    """All conversations of the account, that with the newest text first, or the one with the peer;
    in three statements."""
    mine, theirs = aliased(Member), aliased(Member)
    last_is_mine = col(Message.sender_id) == account.id
    unread = (
        select(func.count())
        .select_from(Message)
        .where(
            Message.conversation_id == mine.conversation_id,
            Message.seq > mine.read_seq,
            Message.sender_id != account.id,
            Message.kind == "text",
            Message.body != "",  # as one is that was unsent
        )
        .correlate(mine)
        .scalar_subquery()
    )
    rows = session.execute(
        select(  # type: ignore[call-overload]
            Conversation, mine, theirs, Account, Message, last_is_mine, unread, _is_apart(account)
        )
        .join(mine, mine.conversation_id == Conversation.id)
        .join(
            theirs,
            (theirs.conversation_id == Conversation.id) & (theirs.account_id != mine.account_id),
        )
        .join(Account, Account.id == theirs.account_id)
        .join(
            Message,
            (col(Message.conversation_id) == Conversation.id)
            & (col(Message.seq) == newest_text(Conversation.id)),
        )
        .where(mine.account_id == account.id, true() if peer is None else Account.id == peer.id)
        .order_by(col(Message.stored_at).desc(), col(Conversation.id).desc())
    ).all()
    shown = {
        other.id
        for _, _, _, other, *_, is_apart in rows
        if not (account.hides_presence or other.hides_presence or other.deleted_at or is_apart)
    }
    online = online_among(session, shown)
    changes = (
        changes_of_newest_texts(session, account)
        if peer is None
        else _changes_of_one(session, [row.Message for row in rows])
    )
    return [
        ConversationSummary(
            conversation=conversation.id,
            peer=other.name,
            display_name=other.display_name,
            last_message=as_it_is_now(
                message_record(
                    message,
                    *((account.name, other.name) if is_mine else (other.name, account.name)),
                ),
                changes.get((message.conversation_id, message.seq), ()),
                {account.id: account.name, other.id: other.name},
            ),
            last_seq=conversation.last_seq,
            read=me.read_seq,
            delivered=me.delivered_seq,
            peer_read=0 if account.hides_read or other.hides_read else they.read_seq,
            peer_delivered=they.delivered_seq,
            unread=unread_count,
            online=other.id in online,
            last_seen_at=wire_time(other.last_seen_at) if other.id in shown else None,
            deleted=other.deleted_at is not None,
            muted=me.muted,
            archived=_is_archived(me, message),
            pinned=me.pinned,
        )
        for conversation, me, they, other, message, is_mine, unread_count, _ in rows
    ]


def _is_archived(me: Member, newest: Message) -> bool:
    """A later message brings it back, unless the account wants to hear nothing of it either."""
    return me.archived_seq is not None and (me.muted or newest.seq <= me.archived_seq)


def _changes_of_one(session: Session, newest: Sequence[Message]) -> Changes:
    """What was done to the newest text of a conversation, if it is there."""
    for message in newest:
        return changes_between(session, message.conversation_id, message.seq, message.seq)
    return {}


def _is_apart(account: Account) -> ColumnElement[bool]:
    """Whether one of both has blocked the other."""
    has_blocked = and_(col(Block.account_id) == account.id, col(Block.blocked_id) == Account.id)
    is_blocked = and_(col(Block.account_id) == Account.id, col(Block.blocked_id) == account.id)
    return select(Block).where(or_(has_blocked, is_blocked)).correlate(Account).exists()


def message_record(message: Message, sender: str, to: str) -> MessageRecord:
    """A row of the archive as everyone heard of it."""
    return MessageRecord(
        conversation=message.conversation_id,
        seq=message.seq,
        id=message.client_id,
        sender=sender,
        to=to,
        kind=message.kind,
        text=message.body,
        sent_at=wire_time(message.sent_at),
        stored_at=rfc3339(message.stored_at),
        target=message.target_seq,
        reply_to=message.reply_to_seq,
    )


def wire_time(time: datetime | None) -> str | None:
    """A time that may be unknown, as it goes over the wire."""
    return None if time is None else rfc3339(time)
