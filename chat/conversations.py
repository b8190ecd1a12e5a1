"""Conversations: finding the one of two accounts, and the list that an account sees.

What one of both hides from the other is left out of that list. That a direct conversation has
exactly two members is known to `direct_key` and `peer_of` alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlmodel import Session, select

from chat.changes import Changes, as_it_is_now, changes_in
from chat.fields import AccountName, Cursor, Days, Number, Time
from chat.models import Account, Conversation
from chat.payloads import MessageRecord
from chat.records import COLUMNS, record_of, wire_time_from
from chat.retention import kept_days
from chat.things import MAY_NOT_TALK


class ConversationSummary(Struct, frozen=True, kw_only=True):
    """A line in an account's list: who it is with, what was said last, how far each has read."""

    conversation: Number
    peer: AccountName
    display_name: str
    # Of the peer: person or thing.
    kind: str
    last_message: MessageRecord | None
    last_seq: Number
    read: Cursor
    delivered: Cursor
    peer_read: Cursor
    peer_delivered: Cursor
    unread: int
    online: bool
    last_seen_at: Time | None
    # Nobody can write to the peer any more.
    deleted: bool
    # The peer began to write, and waits to be accepted or answered.
    request: bool
    muted: bool
    archived: bool
    pinned: bool
    # For how many days the account wants messages to be kept, and for how many they are: the
    # shortest time that it, the peer or the installation wants. Null is for ever.
    keep_days: Days | None
    kept_days: Days | None


def direct_key(account_id: int, other_id: int) -> str:
    """What makes a direct conversation unique: both account ids, the lower one first."""
    return f"{min(account_id, other_id)}:{max(account_id, other_id)}"


def direct_conversation(session: Session, account: Account, peer: Account) -> Conversation | None:
    """The conversation of the two; None before its first message."""
    assert account.id is not None
    assert peer.id is not None
    key = direct_key(account.id, peer.id)
    return session.exec(select(Conversation).where(Conversation.key == key)).first()


# The key of the conversation of `:account` and `other`, as `direct_key` makes it.
KEY_WITH_OTHER = """
    CASE WHEN other.id < :account THEN other.id || ':' || CAST(:account AS TEXT)
         ELSE CAST(:account AS TEXT) || ':' || other.id END
"""

# The newest text is a short walk from the end of a conversation, over what was done to texts since.
_LINES = f"""
SELECT conversation.id, conversation.last_seq,
       mine.read_seq, mine.delivered_seq, mine.muted, mine.pinned, mine.archived_seq,
       mine.keep_days, theirs.keep_days,
       theirs.read_seq, theirs.delivered_seq,
       peer.id, peer.name, peer.display_name, peer.kind, peer.last_seen_at, peer.deleted_at,
       peer.hides_read, peer.hides_presence,
       EXISTS (SELECT 1 FROM message_request
               WHERE account_id = :account AND sender_id = peer.id),
       -- whether one has blocked the other, asks to be asked first, or may not talk with it
       EXISTS (SELECT 1 FROM block WHERE account_id = :account AND blocked_id = peer.id)
         OR EXISTS (SELECT 1 FROM block WHERE account_id = peer.id AND blocked_id = :account)
         OR EXISTS (SELECT 1 FROM message_request
                    WHERE account_id = :account AND sender_id = peer.id
                       OR account_id = peer.id AND sender_id = :account)
         OR {MAY_NOT_TALK},
       EXISTS (SELECT 1 FROM presence WHERE account_id = peer.id),
       (SELECT count(*) FROM message AS new
        WHERE new.conversation_id = mine.conversation_id AND new.seq > mine.read_seq
          AND new.sender_id <> :account AND new.kind = 'text'
          AND new.body <> ''),  -- as one is that was unsent
       {COLUMNS}
FROM member AS mine
JOIN member AS theirs ON theirs.conversation_id = mine.conversation_id
                     AND theirs.account_id <> mine.account_id
JOIN account AS peer ON peer.id = theirs.account_id
JOIN conversation ON conversation.id = mine.conversation_id
-- there may be none, where messages are kept for a while
LEFT JOIN message ON message.conversation_id = conversation.id AND message.seq = (
    SELECT newest.seq FROM message AS newest
    WHERE newest.conversation_id = conversation.id AND newest.kind = 'text'
    ORDER BY newest.seq DESC LIMIT 1)
WHERE mine.account_id = :account
"""  # noqa: S608  nothing but words of ours
# Where the columns of the newest text begin in a row of them.
_NEWEST = 23
_ALL_LINES = text(f"{_LINES} ORDER BY coalesce(message.stored_at, 0) DESC, conversation.id DESC")
_ONE_LINE = text(f"{_LINES} AND peer.id = :peer")


def conversations_of(
    session: Session,
    account: Account,
    *,
    peer: Account | None = None,
    installation_days: int | None = None,
) -> list[ConversationSummary]:
    """All conversations of the account, that with the newest text first, or the one with the peer;
    in one statement, and one more where something was done since to a newest text. The installation
    keeps messages for so many days."""
    asked = {"account": account.id, "owner": account.owner_id}
    if peer is None:
        rows = session.connection().execute(_ALL_LINES, asked).all()
    else:
        rows = session.connection().execute(_ONE_LINE, {**asked, "peer": peer.id}).all()
    changes = _changes_of_newest(session, rows)
    return [_summary(account, row, changes, installation_days) for row in rows]


def _summary(
    account: Account, row: Sequence[Any], changes: Changes, installation_days: int | None
) -> ConversationSummary:
    conversation, last_seq, read, delivered, muted, pinned, archived_seq, *more = row[:_NEWEST]
    keep_days, peers_days, *more = more
    peer_read, peer_delivered, peer_id, peer, display_name, kind, *more = more
    last_seen_at_ms, deleted_at_ms, hides_read, hides_presence, is_request, *more = more
    are_apart, is_online, unread = more
    names = {account.id: account.name, peer_id: peer}
    last_message = _last_message(row, names, changes)
    hides_presence = account.hides_presence or hides_presence or are_apart
    is_shown = not (hides_presence or deleted_at_ms is not None)
    return ConversationSummary(
        conversation=conversation,
        peer=peer,
        display_name=display_name,
        kind=kind,
        last_message=last_message,
        last_seq=last_seq,
        read=read,
        delivered=delivered,
        peer_read=0 if account.hides_read or hides_read or are_apart else peer_read,
        peer_delivered=0 if are_apart else peer_delivered,
        unread=unread,
        online=is_shown and bool(is_online),
        last_seen_at=wire_time_from(last_seen_at_ms) if is_shown else None,
        deleted=deleted_at_ms is not None,
        request=bool(is_request),
        muted=bool(muted),
        # A later message brings it back, unless the account wants to hear nothing of it either.
        archived=archived_seq is not None
        and (bool(muted) or last_message is None or last_message.seq <= archived_seq),
        pinned=bool(pinned),
        keep_days=keep_days,
        kept_days=kept_days(keep_days, peers_days, installation_days),
    )


def _last_message(
    row: Sequence[Any], names: Mapping[int | None, str], changes: Changes
) -> MessageRecord | None:
    """The newest text as it is now, if any is kept."""
    conversation, newest = row[0], row[_NEWEST:]
    seq, sender_id, *_ = newest
    if seq is None:
        return None
    [to] = (name for id, name in names.items() if id != sender_id)
    record = record_of(newest, conversation, names[sender_id], to)
    done = changes.get((conversation, seq))
    return as_it_is_now(record, done, names) if done else record


def _changes_of_newest(session: Session, rows: Sequence[Sequence[Any]]) -> Changes:
    """What was done to the newest texts. A change comes after its text, so where the text is the
    last of all there is none."""
    newest = [
        (row[0], row[_NEWEST], row[_NEWEST]) for row in rows if (row[_NEWEST] or row[1]) < row[1]
    ]
    return changes_in(session, newest) if newest else {}
