"""What comes from the server, as frozen records: built from its JSON, and nothing done with it.

Fields that are not known here are left out, and kinds of messages that are not known stay as they
are: later servers may have more of both. All times are UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

_Wire = Mapping[str, Any]
# What reading JSON raises that is none of the protocol: not JSON, no such field, another type, a
# number without an end, nested too deeply.
NOT_UNDERSTOOD = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A row of a conversation's log: a text, or what was done to one (`kind`: text, edit, unsend,
    reaction). `target` is the `seq` of the text that an event is about."""

    conversation: int
    seq: int
    id: str
    sender: str
    to: str
    kind: str
    text: str
    stored_at: datetime
    sent_at: datetime | None = None
    target: int | None = None
    reply_to: int | None = None
    edited_at: datetime | None = None
    unsent_at: datetime | None = None
    reactions: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def from_wire(cls, wire: _Wire) -> Self:
        """Raises one of NOT_UNDERSTOOD for what is none."""
        return cls(
            conversation=int(wire["conversation"]),
            seq=int(wire["seq"]),
            id=str(wire["id"]),
            sender=str(wire["from"]),
            to=str(wire["to"]),
            kind=str(wire["kind"]),
            text=str(wire["text"]),
            stored_at=datetime.fromisoformat(wire["stored_at"]),
            sent_at=_time(wire.get("sent_at")),
            target=wire.get("target"),
            reply_to=wire.get("reply_to"),
            edited_at=_time(wire.get("edited_at")),
            unsent_at=_time(wire.get("unsent_at")),
            reactions=dict(wire.get("reactions") or {}),
        )

    @property
    def is_text(self) -> bool:
        return self.kind == "text"

    def peer_of(self, account: str) -> str:
        """Who the other one is, seen from this account."""
        return self.to if self.sender == account else self.sender

    def changed_by(self, event: "Message") -> "Message":
        """This text after an event that is about it; an edit that it has changes nothing."""
        if event.kind == "edit" and self.unsent_at is None:
            if self.edited_at is not None and event.stored_at <= self.edited_at:
                return self
            return replace(self, text=event.text, edited_at=event.stored_at)
        if event.kind == "unsend":
            return replace(self, text="", unsent_at=event.stored_at)
        if event.kind == "reaction":
            others = {who: emoji for who, emoji in self.reactions.items() if who != event.sender}
            now = others | ({event.sender: event.text} if event.text else {})
            return replace(self, reactions=now)
        return self

    def as_wire(self) -> dict[str, Any]:
        """The JSON object that it came as; what is not there is left out."""
        wire = {
            "conversation": self.conversation,
            "seq": self.seq,
            "id": self.id,
            "from": self.sender,
            "to": self.to,
            "kind": self.kind,
            "text": self.text,
            "sent_at": _rfc3339(self.sent_at),
            "stored_at": _rfc3339(self.stored_at),
        }
        more = {
            "target": self.target,
            "reply_to": self.reply_to,
            "edited_at": _rfc3339(self.edited_at),
            "unsent_at": _rfc3339(self.unsent_at),
            "reactions": dict(self.reactions) or None,
        }
        return wire | {name: value for name, value in more.items() if value is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """How far an account, one's own or the peer, has received and read a conversation."""

    conversation: int
    account: str
    delivered: int
    read: int

    @classmethod
    def from_wire(cls, wire: _Wire) -> Self:
        return cls(
            conversation=int(wire["conversation"]),
            account=str(wire["account"]),
            delivered=int(wire["delivered"]),
            read=int(wire["read"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Typing:
    """Somebody is writing just now."""

    conversation: int
    sender: str

    @classmethod
    def from_wire(cls, wire: _Wire) -> Self:
        return cls(conversation=int(wire["conversation"]), sender=str(wire["from"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """Somebody came or went."""

    account: str
    online: bool
    last_seen_at: datetime | None

    @classmethod
    def from_wire(cls, wire: _Wire) -> Self:
        return cls(
            account=str(wire["account"]),
            online=bool(wire["online"]),
            last_seen_at=_time(wire.get("last_seen_at")),
        )


@dataclass(frozen=True, slots=True)
class Online:
    """The connection stands, and what was missed is being fetched."""


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is lost, or not there yet; it is tried again by itself."""

    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """What lies in the outbox: written, on disk, and not archived yet. `order` is its place in the
    order of writing; `after_seq` is the newest `seq` that was known when it was written."""

    order: int
    id: str
    peer: str
    verb: str
    text: str
    written_at: str
    target: int | None
    reply_to: int | None
    after_seq: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """What lay in the outbox from an earlier run will never be archived; nobody waits for it."""

    outgoing: Outgoing
    detail: str


Event = Message | Receipt | Typing | Presence | Online | Offline | Rejected


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """A line in the account's list; `read` and `delivered` are one's own cursors."""

    conversation: int
    peer: str
    display_name: str
    last_message: Message | None
    last_seq: int
    read: int
    delivered: int
    peer_read: int
    peer_delivered: int
    unread: int
    online: bool
    last_seen_at: datetime | None
    deleted: bool
    muted: bool
    archived: bool
    pinned: bool

    @classmethod
    def from_wire(cls, wire: _Wire) -> Self:
        last = wire.get("last_message")
        return cls(
            conversation=int(wire["conversation"]),
            peer=str(wire["peer"]),
            display_name=str(wire["display_name"]),
            last_message=None if last is None else Message.from_wire(last),
            last_seq=int(wire["last_seq"]),
            read=int(wire["read"]),
            delivered=int(wire["delivered"]),
            peer_read=int(wire["peer_read"]),
            peer_delivered=int(wire["peer_delivered"]),
            unread=int(wire["unread"]),
            online=bool(wire["online"]),
            last_seen_at=_time(wire.get("last_seen_at")),
            deleted=bool(wire.get("deleted")),
            muted=bool(wire.get("muted")),
            archived=bool(wire.get("archived")),
            pinned=bool(wire.get("pinned")),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page of history, ascending by `seq`; `more` in the direction that was asked."""

    messages: tuple[Message, ...]
    more: bool

    @classmethod
    def from_wire(cls, wire: _Wire) -> Self:
        return cls(tuple(map(Message.from_wire, wire["messages"])), bool(wire["more"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceLine:
    """One of the account's devices; `current` is this one. `connections` are those that say they
    are online, by the names that they gave themselves; none where the server does not tell."""

    device: str
    name: str
    kind: str
    created_at: datetime
    last_used_at: datetime | None
    connected: bool
    connections: tuple[str, ...]
    current: bool

    @classmethod
    def from_wire(cls, wire: _Wire) -> Self:
        return cls(
            device=str(wire["device"]),
            name=str(wire["name"]),
            kind=str(wire["kind"]),
            created_at=datetime.fromisoformat(wire["created_at"]),
            last_used_at=_time(wire.get("last_used_at")),
            connected=bool(wire.get("connected")),
            connections=tuple(map(str, wire.get("connections") or ())),
            current=bool(wire.get("current")),
        )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _rfc3339(time: datetime | None) -> str | None:
    if time is None:
        return None
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
