"""What an arrived message asks for: a packet's topic and payload → a command, or a refusal.

Pure: knows the contract, no account and no database. Whether the recipient exists, or wants to
hear from the sender, is found out by `archive.py`.
"""

import secrets
from typing import ClassVar

from msgspec import Struct

from chat.payloads import (
    Edit,
    ErrorRecord,
    HistoryRequest,
    NotAPayload,
    React,
    Reason,
    Unsend,
    parse_announcement,
    parse_edit,
    parse_history,
    parse_react,
    parse_receipt,
    parse_send,
    parse_unsend,
)
from chat.times import milliseconds
from chat.topics import NotAnUpTopic, UpTopic, is_account_name, is_below_down, parse_up


class Send(Struct, frozen=True, gc=False):
    """Archive a text and deliver it to both members. `reply_to` is the text that it answers.

    `stored_id` is what the archive knows it by: the sender's own id, or one that it is given once,
    so that a batch whose commit was not heard of may be tried again."""

    verb: ClassVar[str] = "send"
    kind: ClassVar[str] = "text"
    target: ClassVar[int | None] = None
    account: str
    to: str
    text: str
    id: str | None
    stored_id: str
    sent_at_ms: int | None
    reply_to: int | None = None


class Change(Struct, frozen=True, gc=False):
    """Archive what is done to the text `target`: an edit, an unsend or a reaction. `text` is the
    new text, nothing, or the emoji."""

    reply_to: ClassVar[int | None] = None
    account: str
    to: str
    verb: str
    target: int
    text: str
    id: str
    sent_at_ms: int | None

    @property
    def stored_id(self) -> str:
        """As of a text."""
        return self.id

    @property
    def kind(self) -> str:
        """What the archive calls it."""
        return "reaction" if self.verb == "react" else self.verb


class MoveCursor(Struct, frozen=True, gc=False):
    """All up to `seq` has been delivered to, or read by, the account."""

    account: str
    to: str
    verb: str
    seq: int
    repeated: bool


class Typing(Struct, frozen=True, gc=False):
    """The account is writing."""

    verb: ClassVar[str] = "typing"
    account: str
    to: str


class Announce(Struct, frozen=True, gc=False):
    """A connection of the account is online, or no longer."""

    verb: ClassVar[str] = "presence"
    account: str
    online: bool
    connection: str
    repeated: bool


class AskHistory(Struct, frozen=True):
    """Answer with a page of history, at the response topic if there is one."""

    verb: ClassVar[str] = "history"
    account: str
    to: str
    request: HistoryRequest
    response_topic: str | None
    correlation_data: bytes | None

    @property
    def id(self) -> str | None:
        """What an error about it is known by."""
        return self.request.request


class Refuse(Struct, frozen=True):
    """Tell the account why; nobody is told where not even the account could be read."""

    account: str | None
    error: ErrorRecord


# What is archived and numbered.
Post = Send | Change
Command = Send | Change | MoveCursor | Typing | Announce | AskHistory | Refuse


def command_from(
    topic: str,
    payload: bytes,
    *,
    repeated: bool = False,
    response_topic: str | None = None,
    correlation_data: bytes | None = None,
) -> Command:
    """What the message asks for. `repeated` is the broker's word that it may have come before."""
    try:
        up = parse_up(topic)
    except NotAnUpTopic as wrong:
        detail = f"The topic {wrong}."
        return refuse(wrong.account, wrong.verb, wrong.to, "malformed", detail)
    try:
        return _command(up, payload, repeated, response_topic, correlation_data)
    except NotAPayload as wrong:
        return refuse(up.account, up.verb, up.to, wrong.reason, str(wrong), id=wrong.id)


def refuse(
    account: str | None, verb: str, to: str, reason: Reason, detail: str, *, id: str | None = None
) -> Refuse:
    """A refusal, in the form in which its sender hears of it; what it repeats of the topic is cut
    short, since that can be as long as a packet."""
    error = ErrorRecord(
        id=id, verb=_cut(verb, 32), to=_cut(to, 64), reason=reason, detail=_cut(detail, 300)
    )
    return Refuse(account, error)


def _command(
    up: UpTopic,
    payload: bytes,
    repeated: bool,
    response_topic: str | None,
    correlation_data: bytes | None,
) -> Command:
    if up.verb == "send":
        send = parse_send(payload)
        if refusal := _refused_recipient(up, send.id):
            return refusal
        sent_at_ms = None if send.sent_at is None else milliseconds(send.sent_at)
        stored_id = send.id or f"bridge-{secrets.token_hex(8)}"
        return Send(up.account, up.to, send.text, send.id, stored_id, sent_at_ms, send.reply_to)
    if up.verb == "presence":
        said = parse_announcement(payload)
        return Announce(up.account, said.online, said.connection, repeated)
    if up.verb in ("edit", "unsend", "react"):
        change = _change(up, payload)
        return _refused_recipient(up, change.id) or change
    if up.verb == "history":
        request = parse_history(payload)
        if refusal := _refused_recipient(up, request.request):
            return refusal
        if response_topic is not None and not is_below_down(response_topic, up.account):
            detail = "The response topic must lie below the account's own down/."
            return refuse(up.account, up.verb, up.to, "refused", detail, id=request.request)
        return AskHistory(up.account, up.to, request, response_topic, correlation_data)
    if up.verb in ("delivered", "read"):
        seq = parse_receipt(payload).seq
        return _refused_recipient(up) or MoveCursor(up.account, up.to, up.verb, seq, repeated)
    if payload:
        raise NotAPayload("typing has no payload.")
    return _refused_recipient(up) or Typing(up.account, up.to)


def _change(up: UpTopic, payload: bytes) -> Change:
    asked: Edit | Unsend | React
    if up.verb == "edit":
        asked = parse_edit(payload)
        text = asked.text
    elif up.verb == "unsend":
        asked = parse_unsend(payload)
        text = ""
    else:
        asked = parse_react(payload)
        text = asked.reaction
    sent_at_ms = None if asked.sent_at is None else milliseconds(asked.sent_at)
    return Change(up.account, up.to, up.verb, asked.seq, text, asked.id, sent_at_ms)


def _refused_recipient(up: UpTopic, id: str | None = None) -> Refuse | None:
    if up.to == up.account:
        detail = "A conversation has two members; you cannot write to yourself."
        return refuse(up.account, up.verb, up.to, "refused", detail, id=id)
    if not is_account_name(up.to):
        return unknown_recipient(up.account, up.verb, up.to, id)
    return None


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"


def not_allowed(account: str, verb: str, to: str, id: str | None = None) -> Refuse:
    """The refusal of what a thing's owner has not allowed."""
    detail = "Of you two, one is a thing: only its owner, and whom the owner allows, talk with it."
    return refuse(account, verb, to, "refused", detail, id=id)


def unknown_recipient(account: str, verb: str, to: str, id: str | None = None) -> Refuse:
    """The refusal of what is meant for nobody."""
    return refuse(account, verb, to, "unknown-recipient", f"There is no account {to!r}.", id=id)
