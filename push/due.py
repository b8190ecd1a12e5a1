"""What is due, in SQL: claimed by one of the programs that look for it, and what came of it noted.

Who has a page open reads what arrives there at once, and needs no notification: so what is due is
left alone for a moment where the account is online. A claim ends after a minute, so that one who
died has taken nothing along; then it may be told twice, and the browser shows it in one place.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, delete, select, update

from chat.changes import changes_between
from chat.database import Database
from chat.models import Account, Member, Message, Notification, Presence
from push.notices import MessageNotice, Notice, ReadNotice, shortened

READING_TAKES = timedelta(seconds=4)
_CLAIM_LASTS = timedelta(minutes=1)
_AT_ONCE = 50
_FAILURES_IN_A_ROW = 6
_WAIT_AFTER_FAILURE = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True)
class Due:
    """A conversation of which an account's browsers are to be told something."""

    conversation_id: int
    account_id: int
    told_seq: int
    failures: int


def claim_due(database: Database, now: datetime) -> list[Due]:
    """Some of what is due, longest waiting first; nobody else has them until the claim ends."""
    with database.reading() as sql:  # who writes keeps others from writing, on SQLite
        if sql.exec(select(Notification.account_id).where(_is_due(now)).limit(1)).first() is None:
            return []
    with database.writing() as sql:
        found = sql.exec(
            select(Notification)
            .where(_is_due(now))
            .order_by(col(Notification.due_at))
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        for each in found:
            each.due_at = None
            each.claimed_until_at = now + _CLAIM_LASTS
            sql.add(each)
    return [
        Due(
            conversation_id=each.conversation_id,
            account_id=each.account_id,
            told_seq=each.told_seq,
            failures=each.failures,
        )
        for each in found
    ]


def notice_of(sql: Session, due: Due) -> tuple[Notice | None, int]:
    """What is to be told, if anything, and up to which message that goes; 0: all was read, or is
    not to be told while the conversation is muted."""
    me = sql.get_one(Member, (due.conversation_id, due.account_id))
    peer = _peer_of(sql, due)
    unread = (
        col(Message.conversation_id) == due.conversation_id,
        col(Message.seq) > me.read_seq,
        col(Message.sender_id) == peer.id,
        col(Message.kind) == "text",
        col(Message.body) != "",  # nothing is left of what was unsent
    )
    newest = sql.exec(
        select(Message).where(*unread).order_by(col(Message.seq).desc()).limit(1)
    ).first()
    if newest is None or me.muted:
        return (ReadNotice(peer=peer.name) if due.told_seq else None), 0
    if newest.seq == due.told_seq:
        return None, due.told_seq
    notice = MessageNotice(
        peer=peer.name,
        name=peer.display_name,
        text=shortened(_text_now(sql, newest)),
        unread=sql.exec(select(func.count()).select_from(Message).where(*unread)).one(),
        seq=newest.seq,
    )
    return notice, newest.seq


def _text_now(sql: Session, message: Message) -> str:
    place = message.conversation_id, message.seq
    changes = changes_between(sql, place[0], message.seq, message.seq).get(place, [])
    edits = [change.text for change in changes if change.kind == "edit"]
    return edits[-1] if edits else message.body


def note_told(sql: Session, due: Due, told_seq: int) -> None:
    """The claim ends. What was noted meanwhile is still due."""
    if told_seq == 0:
        nothing_new = col(Notification.due_at).is_(None)
        if sql.exec(delete(Notification).where(_is(due), nothing_new)).rowcount:
            return
    ended = {"claimed_until_at": None, "told_seq": told_seq, "failures": 0}
    sql.exec(update(Notification).where(_is(due)).values(**ended))


def note_unreachable(sql: Session, due: Due, now: datetime) -> None:
    """The claim ends, and it is due again after a longer wait each time; after six in a row it is
    given up, until there is something new."""
    gives_up = due.failures + 1 >= _FAILURES_IN_A_ROW
    again_at = None if gives_up else now + _WAIT_AFTER_FAILURE * 2**due.failures
    values = {
        "claimed_until_at": None,
        "due_at": again_at,
        "failures": 0 if gives_up else due.failures + 1,
    }
    sql.exec(update(Notification).where(_is(due)).values(**values))


def _is_due(now: datetime) -> ColumnElement[bool]:
    is_online = (
        select(Presence.account_id)
        .where(col(Presence.account_id) == col(Notification.account_id))
        .exists()
    )
    waits_until = col(Notification.due_at)
    is_free = col(Notification.claimed_until_at).is_(None)
    return or_(
        and_(is_free, waits_until <= now - READING_TAKES),
        and_(is_free, waits_until <= now, ~is_online),
        col(Notification.claimed_until_at) <= now,
    )


def _is(due: Due) -> ColumnElement[bool]:
    return and_(
        col(Notification.conversation_id) == due.conversation_id,
        col(Notification.account_id) == due.account_id,
    )


def _peer_of(sql: Session, due: Due) -> Account:
    return sql.exec(
        select(Account)
        .join(Member, col(Member.account_id) == col(Account.id))
        .where(Member.conversation_id == due.conversation_id, Member.account_id != due.account_id)
    ).one()
