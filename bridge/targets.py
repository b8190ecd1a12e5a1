"""What is pointed to: the text that a change is about, or that a reply answers.

Looked up for those of a batch that point to something, and kept right while the batch is numbered:
what an unsend takes away is gone for what comes after it.
"""

from collections.abc import Iterable

from msgspec import Struct

from bridge import statements
from bridge.intake import Post
from bridge.transaction import Transaction

_Place = tuple[int, int]  # conversation, seq


class Target(Struct):
    """A message that is pointed to."""

    sender: int
    is_text: bool
    # Nothing is left of a text that was unsent.
    is_there: bool


# None where there is no such message.
Targets = dict[_Place, Target | None]


def targets_of(batch: Transaction, posts: Iterable[tuple[int, Post]]) -> Targets:
    """All that they point to; empty where they point to nothing."""
    targets: Targets = {
        (conversation[0], seq): None
        for _, post in posts
        if (seq := post.target or post.reply_to) is not None
        and (conversation := batch.conversations.get(batch.key(post))) is not None
    }
    for conversation, seq, sender, is_text, is_there in batch.select(
        statements.TARGETS, list(targets)
    ):
        targets[conversation, seq] = Target(sender, bool(is_text), bool(is_there))
    return targets


def why_not(post: Post, conversation: int | None, sender: int, targets: Targets) -> str | None:
    """What is wrong with that to which it points; None when nothing is, or it points to nothing."""
    seq = post.target or post.reply_to
    if seq is None:
        return None
    target = targets.get((conversation, seq)) if conversation is not None else None
    if target is None:
        return f"There is no message {seq} in this conversation."
    if not target.is_text:
        return f"Message {seq} is no text."
    if post.verb in ("edit", "unsend") and target.sender != sender:
        return f"Message {seq} is not yours."
    return None if target.is_there else f"Message {seq} was unsent."


def note(targets: Targets, conversation: int, seq: int, sender: int, post: Post) -> None:
    """It is archived now, and may be pointed to, or have taken something away."""
    if (conversation, seq) in targets:
        targets[conversation, seq] = Target(sender, post.kind == "text", is_there=True)
    if post.kind == "unsend" and post.target is not None:
        unsent = targets[conversation, post.target]
        assert unsent is not None
        unsent.is_there = False
