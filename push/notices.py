"""What a browser's service worker is told, as JSON; pure. `service_worker.js` reads it."""

import msgspec
from msgspec import Struct

# A notification shows two lines; a push service takes 4,096 bytes, encryption included.
_TEXT_CHARACTERS = 240


class MessageNotice(Struct, frozen=True, tag="message", tag_field="kind"):
    """There is something new: the newest text, and how many are unread."""

    peer: str
    name: str
    text: str
    unread: int
    seq: int


class ReadNotice(Struct, frozen=True, tag="read", tag_field="kind"):
    """All was read on another device: what is shown of it is to go."""

    peer: str


Notice = MessageNotice | ReadNotice


def encoded(notice: Notice) -> bytes:
    """At most some 1,300 bytes."""
    return msgspec.json.encode(notice)


def shortened(text: str) -> str:
    """As much of a text as a notification shows."""
    return text if len(text) <= _TEXT_CHARACTERS else f"{text[: _TEXT_CHARACTERS - 1]}…"
