"""The archive's first step: take out what is stored already, number the rest, insert it.

A message that comes again — from a client that did not hear the answer, or from a broker whose
acknowledgement was lost — gets the record that was stored, and is delivered once more. What is done
to a text later is numbered in the same row; what it points to is checked by `targets.py`.
"""

from typing import Any

from msgspec.structs import replace

from bridge import statements
from bridge.beginnings import begin_conversations
from bridge.intake import Post, Refuse, not_allowed, refuse, unknown_recipient
from bridge.targets import Targets, note, targets_of, why_not
from bridge.transaction import Barrier, Blocked, News, Pair, Transaction
from chat.message_requests import MOST_MESSAGES
from chat.payloads import MessageRecord
from chat.times import rfc3339_from

_Stored = dict[tuple[str, int, str], MessageRecord]  # by conversation key, sender, client id
_Row = tuple[Any, ...]
_Place = tuple[int, int]  # conversation, seq


def store_messages(
    batch: Transaction,
    posts: list[tuple[int, Post]],
    blocked: Blocked,
    *,
    strangers_per_hour: int | None,
) -> None:
    """Store what is new, in the order of the batch, and move `last_seq`. Nobody begins more
    conversations in an hour than that."""
    too_many = begin_conversations(batch, posts, blocked, strangers_per_hour)
    locked = batch.lock_conversations([post for _, post in posts])
    stored = _stored_before(batch, posts)
    batch.note_conversations(locked)
    targets = targets_of(batch, posts)
    rows: list[_Row] = []
    last_seqs: dict[int, int] = {}
    unsent: set[_Place] = set()
    accepted: list[Pair] = []
    for position, post in posts:
        if (repeat := _repeat_of(batch, post, stored, unsent)) is not None:
            hears_it = batch.ids(post) not in blocked
            batch.news[position] = News(repeat, (post.account, post.to)[: 1 + hears_it])
            continue
        if not _is_wanted(batch, position, post, blocked, targets, too_many):
            continue
        if (stranger := batch.ids(post)[::-1]) in batch.requests:  # an answer accepts it
            batch.requests.remove(stranger)
            accepted.append(batch.ids(post))
        row = conversation, seq, sender, *_ = _number(batch, position, post, stored)
        rows.append(row)
        last_seqs[conversation] = seq
        if targets:
            note(targets, conversation, seq, sender, post)
        if post.kind == "unsend" and post.target is not None:
            unsent.add((conversation, post.target))
    batch.insert(statements.NEW_MESSAGES, rows)
    # Last of all, what was unsent is emptied, of this batch too.
    batch.change(statements.EMPTY_TEXTS, list(unsent))
    batch.change(statements.EMPTY_EDITS, list(unsent))
    batch.change(statements.END_REQUESTS, accepted)
    batch.change(statements.MOVE_LAST_SEQS, list(last_seqs.items()))


def _stored_before(batch: Transaction, posts: list[tuple[int, Post]]) -> _Stored:
    """The repeats among these messages, each with its record."""
    asked = {
        (conversation[0], batch.account_ids[post.account], post.stored_id): post
        for _, post in posts
        if (conversation := batch.conversations.get(batch.key(post))) is not None
    }
    found = {}
    for row in batch.select(statements.KNOWN_MESSAGES, list(asked)):
        conversation, sender, id, seq, kind, body, sent_at_ms, stored_at_ms, target, reply_to = row
        post = asked[conversation, sender, id]
        found[batch.key(post), sender, id] = MessageRecord(
            conversation=conversation,
            seq=seq,
            id=id,
            sender=post.account,
            to=post.to,
            kind=kind,
            text=body,
            sent_at=None if sent_at_ms is None else rfc3339_from(sent_at_ms),
            stored_at=rfc3339_from(stored_at_ms),
            target=target,
            reply_to=reply_to,
        )
    return found


def _repeat_of(
    batch: Transaction, post: Post, stored: _Stored, unsent: set[_Place]
) -> MessageRecord | None:
    """The record of what was stored before, also where it would be refused by now; empty where an
    unsend of this batch came before the repeat."""
    repeat = stored.get((batch.key(post), batch.account_ids[post.account], post.stored_id))
    if repeat is None or repeat.kind not in ("text", "edit"):
        return repeat
    text_at = repeat.seq if repeat.target is None else repeat.target
    is_unsent = (repeat.conversation, text_at) in unsent
    return replace(repeat, text="") if is_unsent else repeat


def _is_wanted(
    batch: Transaction,
    position: int,
    post: Post,
    blocked: Blocked,
    targets: Targets,
    too_many: set[str],
) -> bool:
    """Whether it is to be stored: the recipient must be there and want to hear it, and what it
    points to must be there."""
    sender, recipient = batch.ids(post)
    if (sender, recipient) in blocked:
        batch.refuse(position, _refusal(post, blocked[sender, recipient]))
        return False
    if (refusal := _refusal_of_stranger(batch, post, too_many)) is not None:
        batch.refuse(position, refusal)
        return False
    if post.target is None and post.reply_to is None:
        return True
    conversation = batch.conversations.get(batch.key(post))
    problem = why_not(post, conversation and conversation[0], sender, targets)
    if problem is not None:
        refusal = refuse(post.account, post.verb, post.to, "refused", problem, id=post.id)
        batch.refuse(position, refusal)
    return problem is None


def _refusal(post: Post, barrier: Barrier) -> Refuse:
    """Why nothing comes through."""
    if barrier == "gone":
        return unknown_recipient(post.account, post.verb, post.to, post.id)
    if barrier == "thing":
        return not_allowed(post.account, post.verb, post.to, post.id)
    detail = f"{post.to} does not accept messages from you."
    return refuse(post.account, post.verb, post.to, "refused", detail, id=post.id)


def _refusal_of_stranger(batch: Transaction, post: Post, too_many: set[str]) -> Refuse | None:
    """Why no more of it comes through: it begins too many conversations, or was not accepted."""
    key = batch.key(post)
    if key in too_many:
        detail = "You have begun many conversations in this hour; begin another one later."
        return refuse(post.account, post.verb, post.to, "rate-limited", detail, id=post.id)
    if batch.ids(post) in batch.requests and batch.conversations[key][1] >= MOST_MESSAGES:
        detail = f"{post.to} has not accepted your messages yet; wait for an answer."
        return refuse(post.account, post.verb, post.to, "refused", detail, id=post.id)
    return None


def _number(batch: Transaction, position: int, post: Post, stored: _Stored) -> _Row:
    """Give the message its `seq` and its news; answers the row to insert."""
    sender, key = batch.account_ids[post.account], batch.key(post)
    conversation, last_seq = batch.conversations[key]
    seq = last_seq + 1
    batch.conversations[key] = conversation, seq
    id = post.stored_id
    record = MessageRecord(
        conversation=conversation,
        seq=seq,
        id=id,
        sender=post.account,
        to=post.to,
        kind=post.kind,
        text=post.text,
        sent_at=None if post.sent_at_ms is None else rfc3339_from(post.sent_at_ms),
        stored_at=rfc3339_from(batch.now_ms),
        target=post.target,
        reply_to=post.reply_to,
    )
    stored[key, sender, id] = record
    batch.news[position] = News(record, (post.account, post.to), stored=True)
    return (
        conversation,
        seq,
        sender,
        id,
        post.kind,
        post.text,
        post.sent_at_ms,
        batch.now_ms,
        post.target,
        post.reply_to,
    )
