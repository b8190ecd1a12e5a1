"""Every payload of the public contract: what may come up, and what goes down.

Pure: bytes to a checked structure or NotAPayload, and structure to bytes. The bridge answers a
NotAPayload to its sender.
"""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from chat.fields import LARGEST_SEQ, AccountName, Cursor, Number, Time, shown_as
from chat.times import LATEST_MS, milliseconds

TEXT_CHARACTERS = 4_000
REACTION_CHARACTERS = 32
HISTORY_LIMIT = 200
HISTORY_DEFAULT = 50

Reason = Literal["malformed", "unknown-recipient", "refused", "too-long", "rate-limited"]
T = TypeVar("T")
_Seq = Annotated[int, Meta(ge=0, le=LARGEST_SEQ)]
_SeqOfText = Annotated[int, Meta(ge=1, le=LARGEST_SEQ)]
_SentAt = Annotated[datetime, Meta(tz=True)] | None
# NUL is a character that PostgreSQL cannot keep.
_Label = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^\\x00]*$")]
# Checked by hand, since a text that is too long has a reason of its own.
_Text = Annotated[str, shown_as(minLength=1, maxLength=TEXT_CHARACTERS)]
_Reaction = Annotated[str, shown_as(maxLength=REACTION_CHARACTERS, examples=["👍"])]
_Kind = Annotated[
    str,
    shown_as(
        "text, edit, unsend or reaction; show others, which later versions may have, as such",
        examples=["text"],
    ),
]
_BEGINS_LIKE_JSON = re.compile(r'\s*\{\s*["}]')
# Of the characters that control others, those that emoji are made with: the joiner of two, and the
# letters in the flags of countries' parts (Unicode TS 51).
_WITHIN_EMOJI = {"\u200d", *map(chr, range(0xE0020, 0xE0080))}


class NotAPayload(ValueError):
    """What came up is no payload of its verb; the message says why."""

    def __init__(self, detail: str, *, reason: Reason = "malformed", id: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.id = id


class Send(Struct, frozen=True):
    """A text to archive. `id` is the sender's own, None when the payload was the bare text."""

    text: _Text
    id: _Label | None = None
    sent_at: _SentAt = None
    reply_to: _SeqOfText | None = None


class Edit(Struct, frozen=True):
    """The text `seq` says this from now on."""

    id: _Label
    seq: _SeqOfText
    text: _Text
    sent_at: _SentAt = None


class Unsend(Struct, frozen=True):
    """The text `seq` is taken back."""

    id: _Label
    seq: _SeqOfText
    sent_at: _SentAt = None


class React(Struct, frozen=True):
    """An emoji beside the text `seq`; "" takes one's own away."""

    id: _Label
    seq: _SeqOfText
    reaction: _Reaction
    sent_at: _SentAt = None


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


class MessageRecord(Struct, frozen=True, omit_defaults=True):
    """A message as it was archived, and as everyone sees it; what is None is left out.

    `target` is the text that an edit, an unsend or a reaction is about. The last three tell what
    became of a text since: history has them, the live message of the text cannot.
    """

    conversation: Number
    seq: Number
    id: str
    sender: AccountName = msgspec.field(name="from")
    to: AccountName
    kind: _Kind
    text: str
    sent_at: Time | None
    stored_at: Time
    target: Number | None = None
    reply_to: Number | None = None
    edited_at: Time | None = None
    unsent_at: Time | None = None
    reactions: dict[str, str] | None = None


class ReceiptRecord(Struct, frozen=True):
    """How far an account has received and read."""

    conversation: Number
    account: AccountName
    delivered: Cursor
    read: Cursor


class TypingRecord(Struct, frozen=True):
    """Somebody is writing."""

    conversation: Number
    sender: AccountName = msgspec.field(name="from")


class PresenceRecord(Struct, frozen=True):
    """Whether an account is online, and when it last was."""

    account: AccountName
    online: bool
    last_seen_at: Time | None


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
# The last level of the topic that each goes down at.
KINDS: dict[type[Record], str] = {
    MessageRecord: "message",
    ReceiptRecord: "receipt",
    TypingRecord: "typing",
    PresenceRecord: "presence",
    HistoryRecord: "history",
    ErrorRecord: "error",
}
# What the JSON of each verb is; `typing` has none.
PAYLOADS: dict[str, type[Struct]] = {
    "send": Send,
    "edit": Edit,
    "unsend": Unsend,
    "react": React,
    "delivered": Receipt,
    "read": Receipt,
    "presence": Announcement,
    "history": HistoryRequest,
}

_encoder = msgspec.json.Encoder()
_send = msgspec.json.Decoder(Send)
_edit = msgspec.json.Decoder(Edit)
_unsend = msgspec.json.Decoder(Unsend)
_react = msgspec.json.Decoder(React)
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
    _check_text(send.text, send.id)
    _check_sent_at(send.sent_at, send.id)
    return send


def parse_edit(payload: bytes) -> Edit:
    """What a text is to say instead; the rules for it are those of a text. Raises NotAPayload."""
    edit = _parse(_edit, _utf8(payload))
    _check_text(edit.text, edit.id)
    _check_sent_at(edit.sent_at, edit.id)
    return edit


def parse_unsend(payload: bytes) -> Unsend:
    """Which text is to be taken back. Raises NotAPayload."""
    unsend = _parse(_unsend, _utf8(payload))
    _check_sent_at(unsend.sent_at, unsend.id)
    return unsend


def parse_react(payload: bytes) -> React:
    """Which emoji goes beside which text. Raises NotAPayload."""
    react = _parse(_react, _utf8(payload))
    if len(react.reaction) > REACTION_CHARACTERS:
        detail = f"The reaction has more than {REACTION_CHARACTERS} characters."
        raise NotAPayload(detail, id=react.id)
    if not all(map(_may_be_in_emoji, react.reaction)):
        raise NotAPayload("The reaction must be one emoji, without spaces.", id=react.id)
    _check_sent_at(react.sent_at, react.id)
    return react


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


def _check_text(text: str, id: str | None) -> None:
    if not text.strip():
        raise NotAPayload("The text is empty.", id=id)
    if len(text) > TEXT_CHARACTERS:
        detail = f"The text has {len(text)} characters; at most {TEXT_CHARACTERS} are allowed."
        raise NotAPayload(detail, reason="too-long", id=id)
    if "\0" in text:
        raise NotAPayload("The text contains the character NUL.", id=id)


def _may_be_in_emoji(character: str) -> bool:
    is_shown = unicodedata.category(character) not in ("Cc", "Cf", "Zs", "Zl", "Zp")
    return is_shown or character in _WITHIN_EMOJI


def _check_sent_at(sent_at: datetime | None, id: str | None) -> None:
    if sent_at is not None and not 0 <= milliseconds(sent_at) <= LATEST_MS:
        raise NotAPayload("sent_at lies before 1970 or after 9999.", id=id)


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
