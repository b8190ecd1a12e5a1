"""The archive's first step: take out what is stored already, number the rest, insert it.

A message that comes again — from a client that did not hear the answer, or from a broker whose
acknowledgement was lost — gets the record that was stored, and is delivered once more.
"""

import secrets
from typing import Any

from bridge import statements
from bridge.intake import Send, refuse, unknown_recipient
from bridge.transaction import Blocked, News, Transaction
from chat.payloads import MessageRecord
from chat.times import rfc3339_from

_Stored = dict[tuple[str, int, str | None], MessageRecord]  # by conversation key, sender, client id


def store_messages(batch: Transaction, sends: list[tuple[int, Send]], blocked: Blocked) -> None:
    """Store what is new, in the order of the batch, and move `last_seq`."""
    _begin_conversations(batch, [send for _, send in sends if batch.ids(send) not in blocked])
    batch.lock_conversations([send for _, send in sends])
    stored = _stored_before(batch, sends)
    accepted = [
        (position, send)
        for position, send in sends
        if _is_accepted(batch, position, send, stored, blocked)
    ]
    rows = [
        row
        for position, send in accepted
        if (row := _number(batch, position, send, stored)) is not None
    ]
    last_seqs = {conversation: seq for conversation, seq, *_ in rows}
    batch.run(statements.NEW_MESSAGE, rows)
    batch.run(statements.MOVE_LAST_SEQ, [(seq, id) for id, seq in sorted(last_seqs.items())])


def _begin_conversations(batch: Transaction, sends: list[Send]) -> None:
    """A conversation begins with its first message."""
    new = {
        key: batch.ids(send)
        for send in sends
        if (key := batch.key(send)) not in batch.conversations
    }
    # In one order, so that no two bridges wait for each other.
    batch.run(statements.NEW_CONVERSATION, [(key,) for key in sorted(new)])
    begun = [
        (id, key) for key, id, _ in batch.select(statements.CONVERSATIONS, [[key] for key in new])
    ]
    batch.run(statements.NEW_MEMBER, [(id, account) for id, key in begun for account in new[key]])
    batch.conversations.update((key, (id, 0)) for id, key in begun)


def _stored_before(batch: Transaction, sends: list[tuple[int, Send]]) -> _Stored:
    """The repeats among these messages, each with its record."""
    asked = {
        (conversation[0], batch.account_ids[send.account], send.id): send
        for _, send in sends
        if send.id is not None
        and (conversation := batch.conversations.get(batch.key(send))) is not None
    }
    found = {}
    for row in batch.select(statements.KNOWN_MESSAGES, list(asked)):
        conversation, sender, id, seq, kind, body, sent_at_ms, stored_at_ms = row
        send = asked[conversation, sender, id]
        found[batch.key(send), sender, id] = MessageRecord(
            conversation=conversation,
            seq=seq,
            id=id,
            sender=send.account,
            to=send.to,
            kind=kind,
            text=body,
            sent_at=None if sent_at_ms is None else rfc3339_from(sent_at_ms),
            stored_at=rfc3339_from(stored_at_ms),
        )
    return found


def _is_accepted(
    batch: Transaction,
    position: int,
    send: Send,
    stored: _Stored,
    blocked: Blocked,
) -> bool:
    """Whether the recipient is there and wants to hear it; what was stored before stays stored."""
    sender, recipient = batch.ids(send)
    if (sender, recipient) not in blocked or (batch.key(send), sender, send.id) in stored:
        return True
    if blocked[sender, recipient]:
        batch.refuse(position, unknown_recipient(send.account, send.verb, send.to, send.id))
        return False
    detail = f"{send.to} does not accept messages from you."
    batch.refuse(position, refuse(send.account, send.verb, send.to, "refused", detail, id=send.id))
    return False


def _number(
    batch: Transaction, position: int, send: Send, stored: _Stored
) -> tuple[Any, ...] | None:
    """Give the message its `seq` and its news; answers the row to insert, None for a repeat."""
    sender, key = batch.account_ids[send.account], batch.key(send)
    if repeat := stored.get((key, sender, send.id)):
        batch.news[position] = News(repeat, (send.account, send.to))
        return None
    conversation, last_seq = batch.conversations[key]
    seq = last_seq + 1
    batch.conversations[key] = conversation, seq
    id = send.id or f"bridge-{secrets.token_hex(8)}"
    record = MessageRecord(
        conversation=conversation,
        seq=seq,
        id=id,
        sender=send.account,
        to=send.to,
        kind="text",
        text=send.text,
        sent_at=None if send.sent_at_ms is None else rfc3339_from(send.sent_at_ms),
        stored_at=rfc3339_from(batch.now_ms),
    )
    stored[key, sender, id] = record
    batch.news[position] = News(record, (send.account, send.to), stored=True)
    return conversation, seq, sender, id, send.text, send.sent_at_ms, batch.now_ms
