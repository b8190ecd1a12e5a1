"""What became of a text: its record, and what was done to it since → its record as it is now.

That a text was edited, unsent or reacted to is a row of its
own each time; what the text says now is worked out when somebody asks.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import and_, func, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from chat.models import Account, Member, Message
from chat.payloads import MessageRecord
from chat.times import rfc3339

Place = tuple[int, int]  # conversation, seq of the text


class Change(NamedTuple):
    """One thing that was done to a text, and when; times in their wire form."""

    kind: str
    account_id: int
    text: str
    at: str


# In the order of their own seq.
Changes = dict[Place, list[Change]]


def as_it_is_now(
    record: MessageRecord, changes: Iterable[Change], names: Mapping[int | None, str]
) -> MessageRecord:
    """The text after these changes, the oldest first. Members are called by `names`."""
    text, edited_at, unsent_at = record.text, None, None
    reactions: dict[str, str] = {}
    for change in changes:
        if change.kind == "edit":
            text, edited_at = change.text, change.at
        elif change.kind == "unsend":
            text, unsent_at = "", change.at
        elif change.text:
            reactions[names[change.account_id]] = change.text
        else:
            reactions.pop(names[change.account_id], None)
    return replace(
        record, text=text, edited_at=edited_at, unsent_at=unsent_at, reactions=reactions or None
    )


def changes_between(session: Session, conversation_id: int, first: int, last: int) -> Changes:
    """What was done to the texts from `first` to `last`: of each kind and member the newest."""
    to_these = and_(
        col(Message.conversation_id) == conversation_id,
        col(Message.target_seq).between(first, last),
    )
    return _newest(session, _ranked().where(to_these))


def changes_of(session: Session, places: Collection[Place]) -> Changes:
    """The same of single texts, wherever they are."""
    if not places:
        return {}
    to_these = tuple_(col(Message.conversation_id), col(Message.target_seq)).in_(places)
    return _newest(session, _ranked().where(to_these))


def changes_of_newest_texts(session: Session, account: Account) -> Changes:
    """The same of the newest text in each of the account's conversations."""
    to_the_newest = and_(
        col(Message.conversation_id) == Member.conversation_id,
        col(Message.target_seq) == newest_text(Member.conversation_id),
    )
    ranked = _ranked().join(Member, to_the_newest).where(Member.account_id == account.id)
    return _newest(session, ranked)


def newest_text(conversation_id: Any) -> Any:
    """In a statement: the seq of a conversation's newest text. It is a short walk from its end,
    over what was done to texts since."""
    later = aliased(Message)
    return (
        select(later.seq)
        .where(later.conversation_id == conversation_id, later.kind == "text")
        .order_by(col(later.seq).desc())
        .limit(1)
        .scalar_subquery()
    )


def _ranked() -> Any:
    same = (Message.conversation_id, Message.target_seq, Message.kind, Message.sender_id)
    newest_first = func.row_number().over(
        partition_by=[col(column) for column in same], order_by=col(Message.seq).desc()
    )
    return select(Message.conversation_id, Message.seq, newest_first.label("rank"))


def _newest(session: Session, ranked: Any) -> Changes:
    of = ranked.subquery()
    rows = session.exec(
        select(Message)
        .join(of, (of.c.conversation_id == Message.conversation_id) & (of.c.seq == Message.seq))
        .where(of.c.rank == 1)
        .order_by(col(Message.seq))
    )
    found: Changes = defaultdict(list)
    for row in rows:
        assert row.target_seq is not None
        change = Change(row.kind, row.sender_id, row.body, rfc3339(row.stored_at))
        found[row.conversation_id, row.target_seq].append(change)
    return found
