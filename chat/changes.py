"""What became of a text: its record, and what was done to it since → its record as it is now.

That a text was edited, unsent or reacted to is a row of its own each time, with the text's seq as
its target; what the text says now is worked out when somebody asks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import text
from sqlmodel import Session

from chat.payloads import MessageRecord
from chat.records import WANTED, wanted
from chat.times import rfc3339_from

Place = tuple[int, int]  # conversation, seq of the text
Stretch = tuple[int, int, int]  # conversation, the first and the last seq of some texts


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
    return changes_in(session, [(conversation_id, first, last)])


def changes_in(session: Session, stretches: Iterable[Stretch]) -> Changes:
    """The same of several stretches of texts, which have nothing in common; in one statement."""
    statement = _NEWEST_CHANGES[session.get_bind().dialect.name]
    rows = session.connection().execute(statement, {"wanted": wanted(stretches)})
    found: Changes = defaultdict(list)
    for conversation, target, kind, sender, body, stored_at_ms in rows:
        found[conversation, target].append(Change(kind, sender, body, rfc3339_from(stored_at_ms)))
    return found


# From the newest change of one text, kind and member to that of the one before in the index: each
# step is one look into it, so it makes no difference how often somebody has changed a reaction. To
# read all changes, and keep the newest, took 96 ms for 50,000 of them. What looks needless is for
# SQLite: it compares a column with another without the index, and a row of columns as "or equal",
# so that the step must lead below the first change of its kind, which has a seq above 0.
_STEPS = """
WITH RECURSIVE newest (conversation_id, first, seq) AS (
    SELECT asked.conversation_id, asked.first, (
        SELECT message.seq FROM message
        WHERE message.conversation_id = asked.conversation_id
          AND message.target_seq BETWEEN asked.first AND asked.last
        ORDER BY message.target_seq DESC, message.kind DESC, message.sender_id DESC,
                 message.seq DESC LIMIT 1)
    FROM (SELECT CAST(wanted.value ->> 0 AS BIGINT) AS conversation_id,
                 CAST(wanted.value ->> 1 AS BIGINT) AS first,
                 CAST(wanted.value ->> 2 AS BIGINT) AS last FROM {wanted}) AS asked
    UNION ALL
    SELECT newest.conversation_id, newest.first, (
        SELECT message.seq FROM message
        WHERE message.conversation_id = newest.conversation_id
          AND (message.target_seq, message.kind, message.sender_id, message.seq)
            < (this.target_seq, this.kind || '', this.sender_id + 0, 0)
          AND message.target_seq >= newest.first
        ORDER BY message.target_seq DESC, message.kind DESC, message.sender_id DESC,
                 message.seq DESC LIMIT 1)
    FROM newest {this})
SELECT this.conversation_id, this.target_seq, this.kind, this.sender_id, this.body, this.stored_at
FROM newest {this}
ORDER BY this.conversation_id, this.seq
"""
# PostgreSQL expects a thousand steps, and would rather read a whole table of 10,000 messages; what
# has an OFFSET it looks up step by step.
_THIS = {
    "sqlite": """
    JOIN message AS this
      ON this.conversation_id = newest.conversation_id AND this.seq = newest.seq
""",
    "postgresql": """
    CROSS JOIN LATERAL (
        SELECT * FROM message
        WHERE message.conversation_id = newest.conversation_id AND message.seq = newest.seq
        OFFSET 0) AS this
""",
}
_NEWEST_CHANGES = {
    dialect: text(_STEPS.format(wanted=table, this=_THIS[dialect]))
    for dialect, table in WANTED.items()
}
