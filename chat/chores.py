"""Work that is done now and then, by one process at a time, whichever comes first to it.

Who has taken its turn has it for a while, and longer as often as it says so; after one that died,
another goes on when that time is over. All by the database's clock.
"""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select, update

from chat.models import Chore
from chat.times import database_now_ms


def take_turn(session: Session, name: str, *, seconds: float) -> bool:
    """Whether the work is due; then it is the caller's for so long."""
    dialect = session.get_bind().dialect.name
    insert_or = (sqlite if dialect == "sqlite" else postgresql).insert(Chore)
    taken = insert_or.values(name=name, due_at=_from_now(seconds)).on_conflict_do_update(
        index_elements=["name"],
        set_={"due_at": _from_now(seconds)},
        where=col(Chore.due_at) <= database_now_ms(),
    )
    return session.execute(taken.returning(Chore.name)).first() is not None


def is_due(session: Session, name: str) -> bool:
    """Whether it is worth trying to take one's turn, which writes."""
    later = col(Chore.due_at) > database_now_ms()
    return session.exec(select(Chore.name).where(Chore.name == name, later)).first() is None


def put_off(session: Session, name: str, *, seconds: float) -> None:
    """It is due in so long: to whoever comes first, if the caller has not said so again by then."""
    of_name = update(Chore).where(col(Chore.name) == name)
    session.exec(of_name.values(due_at=_from_now(seconds)))


def is_overdue(session: Session, name: str, *, seconds: float) -> bool:
    """Whether it has been due for so long, and nobody came to it."""
    since = col(Chore.due_at) < _from_now(-seconds)
    return session.exec(select(Chore.name).where(Chore.name == name, since)).first() is not None


def _from_now(seconds: float) -> Any:
    return database_now_ms() + int(seconds * 1000)
