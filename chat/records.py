"""Rows of the archive → records as everyone hears of them.

What people wait for reads plain rows by statements that are written out: an object of the tables
for each, and a statement put together at each call, cost several times as much as SQL itself.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from chat.models import Message
from chat.payloads import MessageRecord
from chat.times import milliseconds, rfc3339, rfc3339_from

# What `record_of` wants, of a table or an alias called `message`.
COLUMNS = """
    message.seq, message.sender_id, message.client_id, message.kind, message.body,
    message.sent_at, message.stored_at, message.target_seq, message.reply_to_seq
"""

# Lists of whole numbers as a table `wanted`, one in each row: the parameter is what `wanted` made.
WANTED = {
    "sqlite": "json_each(:wanted) AS wanted",
    "postgresql": "jsonb_array_elements(CAST(:wanted AS jsonb)) AS wanted",
}


def wanted(lists: Iterable[Sequence[int]]) -> str:
    """The value of the parameter."""
    return json.dumps([list(each) for each in lists])


def record_of(row: Sequence[Any], conversation_id: int, sender: str, to: str) -> MessageRecord:
    """The record of a row of `COLUMNS`; times as SQL has them."""
    seq, _, client_id, kind, body, sent_at_ms, stored_at_ms, target_seq, reply_to_seq = row
    return MessageRecord(
        conversation=conversation_id,
        seq=seq,
        id=client_id,
        sender=sender,
        to=to,
        kind=kind,
        text=body,
        sent_at=wire_time_from(sent_at_ms),
        stored_at=rfc3339_from(stored_at_ms),
        target=target_seq,
        reply_to=reply_to_seq,
    )


def message_record(message: Message, sender: str, to: str) -> MessageRecord:
    """The same of an object of the table."""
    row = (
        *(message.seq, message.sender_id, message.client_id, message.kind, message.body),
        None if message.sent_at is None else milliseconds(message.sent_at),
        milliseconds(message.stored_at),
        *(message.target_seq, message.reply_to_seq),
    )
    return record_of(row, message.conversation_id, sender, to)


def wire_time(time: datetime | None) -> str | None:
    """A time that may be unknown, as it goes over the wire."""
    return None if time is None else rfc3339(time)


def wire_time_from(time_ms: int | None) -> str | None:
    """The same of a count of milliseconds."""
    return None if time_ms is None else rfc3339_from(time_ms)
