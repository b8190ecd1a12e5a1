"""Messages are kept for so many days, and no longer: what is older is deleted, a few at a time.

A conversation loses its oldest messages first. So from the first that is kept on its numbers are
whole, and its `last_seq` stays, whatever is left. What was done later to a text that is gone stays
until it is as old itself. Every step may be done again: who was killed is followed by another.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import text
from sqlmodel import Session, col, delete, select

from chat.chores import put_off
from chat.database import Database
from chat.indexing import forget_texts_up_to
from chat.models import Message, RefusedCopy
from chat.times import milliseconds

CHORE = "retention"
# Whoever does it has it for so long from each step on.
TURN_SECONDS = 60.0
# As many rows as one transaction deletes, so that the bridge never waits long.
_MESSAGES_AT_ONCE = 250
_CONVERSATIONS_AT_ONCE = 500
# Of each: where it begins, and when that was stored; what the index begins with; what its members
# want.
_BEGINNINGS = text("""
SELECT conversation.id, conversation.last_seq,
       (SELECT message.seq FROM message
        WHERE message.conversation_id = conversation.id ORDER BY message.seq LIMIT 1),
       (SELECT message.stored_at FROM message
        WHERE message.conversation_id = conversation.id ORDER BY message.seq LIMIT 1),
       (SELECT min(search_text.seq) FROM search_text
        WHERE search_text.conversation_id = conversation.id),
       (SELECT min(member.keep_days) FROM member
        WHERE member.conversation_id = conversation.id)
FROM conversation
WHERE conversation.id > :after
ORDER BY conversation.id
LIMIT :most
""")


class _Beginning(Struct, frozen=True):
    """Where a conversation begins, as far as it is kept and as far as it is searched."""

    conversation_id: int
    last_seq: int
    first_seq: int | None
    first_at_ms: int | None
    first_searched: int | None
    keep_days: int | None


def kept_days(*wanted: int | None) -> int | None:
    """What holds of all that is wanted: the shortest time; None is for ever."""
    return min((days for days in wanted if days is not None), default=None)


def forget_old_messages(
    database: Database,
    *,
    keep_days: int | None,
    now: datetime,
    rest: Callable[[float], None] = time.sleep,
) -> int:
    """Delete what is older than the installation's days, or than a member of the conversation
    wants; how many messages that were. After each step, `rest` is called with the seconds that are
    the others'. Raises SQLAlchemyError."""
    forgotten = 0
    for beginning in _beginnings(database):
        days = kept_days(keep_days, beginning.keep_days)
        before = None if days is None else now - timedelta(days=days)
        forgotten += _forget_in(database, beginning, before, rest)
    return forgotten


def _beginnings(database: Database) -> Iterator[_Beginning]:
    after = 0
    while True:
        with database.searching() as session:
            asked = {"after": after, "most": _CONVERSATIONS_AT_ONCE}
            page = [_Beginning(*row) for row in session.connection().execute(_BEGINNINGS, asked)]
        yield from page
        if not page:
            return
        after = page[-1].conversation_id


def _forget_in(
    database: Database,
    beginning: _Beginning,
    before: datetime | None,
    rest: Callable[[float], None],
) -> int:
    forgotten = 0
    conversation, first = beginning.conversation_id, beginning.first_seq
    if before is not None and _is_before(beginning.first_at_ms, before):
        while some := _forget_some(database, conversation, before, rest):
            forgotten += some
        with database.reading() as session:
            first = _oldest(session, conversation)
    # Afterwards, and also where somebody was killed in between.
    gone = (first or beginning.last_seq + 1) - 1
    if beginning.first_searched is not None and beginning.first_searched <= gone:
        forget_texts_up_to(database, conversation, gone)
    return forgotten


def _is_before(time_ms: int | None, before: datetime) -> bool:
    return time_ms is not None and time_ms < milliseconds(before)


def _forget_some(
    database: Database, conversation: int, before: datetime, rest: Callable[[float], None]
) -> int:
    """The oldest, and how many there were. They are looked for while others may write."""
    with database.reading() as session:
        seqs = list(_old_ones(session, conversation, before))
    if not seqs:
        return 0
    began = time.monotonic()
    with database.writing() as session:
        for table in (RefusedCopy, Message):
            of_conversation = col(table.conversation_id) == conversation
            session.exec(delete(table).where(of_conversation, col(table.seq) <= seqs[-1]))
        put_off(session, CHORE, seconds=TURN_SECONDS)
    # As long again, and more: SQLite has one writer, and lets no one queue up.
    rest(max(2 * (time.monotonic() - began), 0.01))
    return len(seqs)


def _old_ones(session: Session, conversation: int, before: datetime) -> Iterator[int]:
    """The seqs from the first one on, up to one that is to be kept."""
    oldest = (
        select(Message.seq, Message.stored_at)
        .where(Message.conversation_id == conversation)
        .order_by(col(Message.seq))
        .limit(_MESSAGES_AT_ONCE)
    )
    for seq, stored_at in session.exec(oldest):
        if stored_at >= before:
            return
        yield seq


def _oldest(session: Session, conversation: int) -> int | None:
    oldest = select(Message.seq).where(Message.conversation_id == conversation)
    return session.exec(oldest.order_by(col(Message.seq)).limit(1)).first()
