"""The archive as it is read: a page of a conversation's history, found by `seq` alone.

Writing is the bridge's business. A page from the middle of a long conversation costs what the
newest costs: the primary key is walked from the cursor on, never counted over with OFFSET.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from chat.changes import as_it_is_now, changes_between
from chat.conversations import KEY_WITH_OTHER
from chat.errors import UnknownAccount, WrongCursor
from chat.fields import LARGEST_SEQ
from chat.models import Account
from chat.payloads import HISTORY_DEFAULT, HISTORY_LIMIT, MessageRecord
from chat.records import COLUMNS, record_of
from chat.topics import is_account_name

# Whom one talks with, and the conversation, which is null before its first message.
_OTHER = text(f"""
SELECT other.id, conversation.id FROM account AS other
LEFT JOIN conversation ON conversation.key = {KEY_WITH_OTHER}
WHERE other.name = :peer
""")  # noqa: S608  nothing but words of ours
_PAGE = f"SELECT {COLUMNS} FROM message WHERE message.conversation_id = :conversation"  # noqa: S608
_BEFORE = text(f"{_PAGE} AND message.seq < :before ORDER BY message.seq DESC LIMIT :most")
_AFTER = text(f"{_PAGE} AND message.seq > :after ORDER BY message.seq LIMIT :most")


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
    other_id, conversation_id = _with(session, account, peer)
    if conversation_id is None:
        return Page([], more=False)
    asked = {"conversation": conversation_id, "most": limit + 1}
    if after is not None:
        found = session.connection().execute(_AFTER, {**asked, "after": after}).all()
        rows = found[:limit]
    else:
        before = LARGEST_SEQ if before is None else before
        found = session.connection().execute(_BEFORE, {**asked, "before": before}).all()
        rows = found[:limit][::-1]
    names = {account.id: account.name, other_id: peer}
    return Page(_records(session, conversation_id, names, rows), more=len(found) > limit)


def _with(session: Session, account: Account, peer: str) -> tuple[int, int | None]:
    """The other's id and the conversation's. Raises UnknownAccount."""
    asked = {"account": account.id, "peer": peer}
    found = session.connection().execute(_OTHER, asked).first() if is_account_name(peer) else None
    if found is None:
        raise UnknownAccount(peer)
    return found[0], found[1]


def _records(
    session: Session,
    conversation_id: int,
    names: dict[int | None, str],
    rows: Sequence[Sequence[Any]],
) -> list[MessageRecord]:
    """Of neighbouring messages, so that what was done to them is found by one range."""
    if not rows:
        return []
    changes = changes_between(session, conversation_id, rows[0][0], rows[-1][0])
    one, other = names
    to = {one: names[other], other: names[one]}
    records = []
    for row in rows:
        seq, sender_id, *_ = row
        record = record_of(row, conversation_id, names[sender_id], to[sender_id])
        if done := changes.get((conversation_id, seq)):
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
