"""Conversations begin with their first message: who is in them, and whether one has to be asked.

In an hour nobody begins more than a few, so that nobody writes to everybody; counted in SQL, so
that no bridge that starts anew forgets it, and what was rolled back is not counted.
"""

from collections import defaultdict
from collections.abc import Collection

from bridge import statements
from bridge.intake import Post
from bridge.transaction import Blocked, Pair, Transaction

_HOUR_MS = 3_600_000


def begin_conversations(
    batch: Transaction,
    posts: list[tuple[int, Post]],
    blocked: Blocked,
    strangers_per_hour: int | None,
) -> set[str]:
    """Begin those that these messages need, which cannot point to another one; the keys of those
    that are too many for who would begin them."""
    new: dict[str, Pair] = {}
    for _, post in posts:
        if (
            batch.key(post) not in batch.conversations
            and post.target is None
            and post.reply_to is None
            and batch.ids(post) not in blocked
        ):
            new.setdefault(batch.key(post), batch.ids(post))
    too_many = _too_many(batch, new, strangers_per_hour)
    for key in too_many:
        del new[key]
    keys = [(key,) for key in new]
    batch.change(statements.NEW_CONVERSATIONS, keys)
    begun = [(id, key) for key, id, _ in batch.select(statements.CONVERSATIONS, keys)]
    batch.change(statements.NEW_MEMBERS, [(id, one) for id, key in begun for one in new[key]])
    batch.conversations.update((key, (id, 0)) for id, key in begun)
    _ask(batch, new.values())
    return too_many


def _too_many(batch: Transaction, new: dict[str, Pair], most: int | None) -> set[str]:
    if most is None or not new:
        return set()
    by_sender: dict[str, list[str]] = defaultdict(list)
    for key, (sender, _) in new.items():
        by_sender[f"strangers/{sender}"].append(key)
    until_ms = batch.now_ms + _HOUR_MS
    counted = [(sender, len(keys), until_ms) for sender, keys in by_sender.items()]
    return {
        key
        for sender, count in batch.select(statements.COUNT_IN_HOUR, counted)
        if count > most
        for key in by_sender[sender][most - count :]
    }


def _ask(batch: Transaction, begun: Collection[Pair]) -> None:
    """Some ask to be asked first."""
    asked = [(recipient, sender, batch.now_ms) for sender, recipient in begun]
    for recipient, sender in batch.select(statements.NEW_REQUESTS, asked):
        batch.requests.add((sender, recipient))
