"""What a doctor asks of the data as a whole: can it be written, what is late, what time is it.

Nothing here is about one account or conversation; that is `explaining.py`.
"""

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from chat.database import Database
from chat.models import Conversation, Notification, RateLimit, SearchProgress
from chat.times import database_now_ms

_KEY = "doctor"


def write_something(database: Database, now: datetime) -> None:
    """Commit a row that means nothing: on a full disk, SQL answers as ever and takes nothing.
    Raises SQLAlchemyError."""
    with database.writing() as session:
        counted = session.get(RateLimit, _KEY) or RateLimit(key=_KEY, count=0, expires_at=now)
        counted.count += 1
        counted.expires_at = now + timedelta(minutes=1)
        session.add(counted)


def clock_ms(session: Session) -> int:
    """The database's time, in milliseconds since 1970."""
    return session.exec(select(database_now_ms())).one()


def messages_not_searched(session: Session) -> int:
    """How many messages the index of texts does not have yet."""
    progress = func.coalesce(SearchProgress.seq, 0)
    behind = select(func.sum(Conversation.last_seq - progress)).join(
        SearchProgress, col(SearchProgress.conversation_id) == Conversation.id, isouter=True
    )
    return session.exec(behind).one() or 0


def notifications_overdue(session: Session, before: datetime) -> int:
    """How many notifications were due before that time, and have not been told."""
    due = select(func.count()).select_from(Notification).where(col(Notification.due_at) < before)
    return session.exec(due).one()
