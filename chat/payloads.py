"""Every payload of the public contract: what may come up, and what goes down.

Pure: bytes to a checked structure or NotAPayload, and structure to bytes. The bridge answers a
NotAPayload to its sender.
"""

import re
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from chat.times import LATEST_MS, milliseconds

TEXT_CHARACTERS = 4_000
HISTORY_LIMIT = 200
HISTORY_DEFAULT = 50
# The largest whole number that every JSON reader keeps exact (RFC 8259, section 6).
LARGEST_SEQ = 2**53 - 1

Reason = Literal["malformed", "unknown-recipient", "refused", "too-long", "rate-limited"]
T = TypeVar("T")
_Seq = Annotated[int, Meta(ge=0, le=LARGEST_SEQ)]
# NUL is a character that PostgreSQL cannot keep.
_Label = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^\\x00]*$")]
_BEGINS_LIKE_JSON = re.compile(r'\s*\{\s*["}]')


class NotAPayload(ValueError):
    """What came up is no payload of its verb; the message says why."""

    def __init__(self, detail: str, *, reason: Reason = "malformed", id: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.id = id


class Send(Struct, frozen=True):
    """A text to archive. `id` is the sender's own, None when the payload was the bare text."""

    text: str
    id: _Label | None = None
    sent_at: Annotated[datetime, Meta(tz=True)] | None = None


class Receipt(Struct, frozen=True):
    """All up to `seq` has been delivered, or read."""

    seq: _Seq


class Announcement(Struct, frozen=True):
    """A connection is online, or no longer."""

    online: bool
    connection: _Label


class HistoryRequest(Struct, frozen=True):
    """Asks for at most `limit` messages below `before` or above `after`; else for the newest."""

    before: _Seq | None = None
    after: _Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=HISTORY_LIMIT)] = HISTORY_DEFAULT
    request: _Label | None = None


class MessageRecord(Struct, frozen=True):
    """A message as it was archived, and as everyone sees it."""

    conversation: int
    seq: int
    id: str
    sender: str = msgspec.field(name="from")
    to: str
    kind: str
    text: str
    sent_at: str | None
    stored_at: str


class ReceiptRecord(Struct, frozen=True):
    """How far an account has received and read."""

    conversation: int
    account: str
    delivered: int
    read: int


class TypingRecord(Struct, frozen=True):
    """Somebody is writing."""

    conversation: int
    sender: str = msgspec.field(name="from")


class PresenceRecord(Struct, frozen=True):
    """Whether an account is online, and when it last was."""

    account: str
    online: bool
    last_seen_at: str | None


class HistoryRecord(Struct, frozen=True):
    """The answer to a HistoryRequest: ascending by seq; `more` in the direction asked for."""

    request: str | None
    messages: list[MessageRecord]
    more: bool


class ErrorRecord(Struct, frozen=True):
    """Why something that came up had no effect."""

    id: str | None
    verb: str
    to: str
    reason: Reason
    detail: str


Record = MessageRecord | ReceiptRecord | TypingRecord | PresenceRecord | HistoryRecord | ErrorRecord

_encoder = msgspec.json.Encoder()
_send = msgspec.json.Decoder(Send)
_receipt = msgspec.json.Decoder(Receipt)
_announcement = msgspec.json.Decoder(Announcement)
_history = msgspec.json.Decoder(HistoryRequest)


def encode(record: Record) -> bytes:
    """A record as it goes down: compact JSON in UTF-8."""
    return _encoder.encode(record)


def parse_send(payload: bytes) -> Send:
    """The text to archive, from its JSON form or as it is. Raises NotAPayload.

    What begins like a JSON object (`{"` or `{}`) is taken as JSON and must fit; all else, `{` and
    a smile included, is the text itself.
    """
    text = _utf8(payload)
    send = _parse(_send, text) if _BEGINS_LIKE_JSON.match(text) else Send(text=text)
    if not send.text.strip():
        raise NotAPayload("The text is empty.", id=send.id)
    if len(send.text) > TEXT_CHARACTERS:
        detail = f"The text has {len(send.text)} characters; at most {TEXT_CHARACTERS} are allowed."
        raise NotAPayload(detail, reason="too-long", id=send.id)
    if "\0" in send.text:
        raise NotAPayload("The text contains the character NUL.", id=send.id)
    if send.sent_at is not None and not 0 <= milliseconds(send.sent_at) <= LATEST_MS:
        raise NotAPayload("sent_at lies before 1970 or after 9999.", id=send.id)
    return send


def parse_receipt(payload: bytes) -> Receipt:
    """The cursor of `delivered` or `read`. Raises NotAPayload."""
    return _parse(_receipt, _utf8(payload))


def parse_announcement(payload: bytes) -> Announcement:
    """What `presence` announces. Raises NotAPayload."""
    return _parse(_announcement, _utf8(payload))


def parse_history(payload: bytes) -> HistoryRequest:
    """What `history` asks for; nothing at all asks for the newest. Raises NotAPayload."""
    request = _parse(_history, _utf8(payload)) if payload else HistoryRequest()
    if request.before is not None and request.after is not None:
        raise NotAPayload("Give before or after, not both.", id=request.request)
    return request


class _OnlyId(Struct):
    id: _Label | None = None
    request: _Label | None = None


def _parse(decoder: msgspec.json.Decoder[T], text: str) -> T:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise NotAPayload(f"The payload does not fit: {error}.", id=_readable_id(text)) from None
    except msgspec.DecodeError as error:
        raise NotAPayload(f"The payload is not JSON: {error}.") from None
    except RecursionError:
        raise NotAPayload("The payload is nested too deeply.") from None


def _readable_id(text: str) -> str | None:
    """The id of a payload that does not fit otherwise, so that its sender can tell which it was."""
    try:
        found = msgspec.json.decode(text, type=_OnlyId)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found.id or found.request


def _utf8(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise NotAPayload("The payload is not valid UTF-8.") from None
