"""All that is kept of an account, as the files of one archive, each read piece by piece.

Messages are as they were said, with what was done to them later as lines of their own: what history
shows of a text follows from these, and its earlier wordings would not follow from that.

No transaction is open while a piece is on its way: whoever fetches slowly holds up nobody. What is
written after the beginning is not part of it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from chat.blocks import blocks_of
from chat.database import Database
from chat.devices import devices_of
from chat.invitations import invitations_of
from chat.models import Account, Conversation, Member, Message
from chat.payloads import MessageRecord
from chat.records import message_record, wire_time
from chat.things import allowed_at, owner_of, things_of
from chat.times import rfc3339

# Even of the longest messages, a few megabytes.
_AT_ONCE = 100


class ExportedAccount(Struct, frozen=True):
    """The account itself."""

    account: str
    display_name: str
    kind: str
    owner: str | None
    created_at: str
    last_seen_at: str | None
    hides_presence: bool
    hides_read: bool
    asks_first: bool
    exported_at: str


class ExportedDevice(Struct, frozen=True):
    """A browser, phone or program of the account; without its secret."""

    device: str
    name: str
    kind: str
    created_at: str
    last_used_at: str | None


class ExportedConversation(Struct, frozen=True):
    """With whom it is, how many messages it has, and how far the account has received and read."""

    conversation: int
    peer: str
    peer_display_name: str
    last_seq: int
    delivered: int
    read: int


class ExportedBlock(Struct, frozen=True):
    """Of whom the account does not want to hear."""

    account: str
    created_at: str


class ExportedInvitation(Struct, frozen=True):
    """An invitation that the account has made; `used_by` is the account that it became."""

    created_at: str
    expires_at: str
    used_by: str | None


class ExportedThing(Struct, frozen=True):
    """A thing of the account, and who may talk with it besides."""

    account: str
    display_name: str
    created_at: str
    allowed: list[str]


# What a line of each file is; the first one is a single object.
FILES: dict[str, type[Struct]] = {
    "account.json": ExportedAccount,
    "devices.jsonl": ExportedDevice,
    "conversations.jsonl": ExportedConversation,
    "messages.jsonl": MessageRecord,
    "blocks.jsonl": ExportedBlock,
    "invitations.jsonl": ExportedInvitation,
    "things.jsonl": ExportedThing,
}


def export(database: Database, account: Account, now: datetime) -> dict[str, Iterator[bytes]]:
    """The files by their names, in pieces of some hundred kilobytes at most."""
    with database.reading() as session:
        owner = owner_of(session, account)
    described = ExportedAccount(
        account=account.name,
        display_name=account.display_name,
        kind=account.kind,
        owner=owner.name if owner else None,
        created_at=rfc3339(account.created_at),
        last_seen_at=wire_time(account.last_seen_at),
        hides_presence=account.hides_presence,
        hides_read=account.hides_read,
        asks_first=account.asks_first,
        exported_at=rfc3339(now),
    )
    return {
        "schema.json": iter((_pretty(schema()),)),
        "account.json": iter((_pretty(described),)),
        "devices.jsonl": _all_of(database, account, _devices),
        "conversations.jsonl": _conversation_lines(database, account),
        "messages.jsonl": _message_lines(database, account),
        "blocks.jsonl": _all_of(database, account, _blocks),
        "invitations.jsonl": _all_of(database, account, _invitations),
        "things.jsonl": _all_of(database, account, _things),
    }


def schema() -> dict[str, Any]:
    """What is in the files, as JSON Schema 2020-12: the archive is an object of its files, and a
    file with several lines is an array of them."""
    kinds, definitions = msgspec.json.schema_components(
        FILES.values(), ref_template="#/$defs/{name}"
    )
    files = {
        name: kind if name.endswith(".json") else {"type": "array", "items": kind}
        for (name, kind) in zip(FILES, kinds, strict=True)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Katydid export, version 1",
        "description": (
            "All that is kept of an account. A file that ends in .jsonl has one JSON value a line,"
            " in UTF-8; here it is an array of them. Times are UTC, RFC 3339."
        ),
        "type": "object",
        "properties": files,
        "required": list(files),
        "$defs": definitions,
    }


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _lines(values: list[Any]) -> bytes:
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)


# What is short enough to be read at once.


def _all_of(
    database: Database, account: Account, read: Callable[[Session, Account], list[Any]]
) -> Iterator[bytes]:
    with database.reading() as session:
        values = read(session, account)
    yield _lines(values)


def _devices(session: Session, account: Account) -> list[Any]:
    return [
        ExportedDevice(
            device=device.id,
            name=device.name,
            kind=device.kind,
            created_at=rfc3339(device.created_at),
            last_used_at=wire_time(device.last_used_at),
        )
        for device in devices_of(session, account)
    ]


def _blocks(session: Session, account: Account) -> list[Any]:
    return [
        ExportedBlock(account=blocked.name, created_at=rfc3339(created_at))
        for blocked, created_at in blocks_of(session, account)
    ]


def _invitations(session: Session, account: Account) -> list[Any]:
    return [
        ExportedInvitation(
            created_at=rfc3339(invitation.created_at),
            expires_at=rfc3339(invitation.expires_at),
            used_by=used_by,
        )
        for invitation, used_by in invitations_of(session, account)
    ]


def _things(session: Session, account: Account) -> list[Any]:
    things = things_of(session, account)
    allowed = allowed_at(session, things)
    return [
        ExportedThing(
            account=thing.name,
            display_name=thing.display_name,
            created_at=rfc3339(thing.created_at),
            allowed=allowed[thing.name],
        )
        for thing in things
    ]


# What may be long: pages by primary key, each in a transaction of its own.


def _conversation_lines(database: Database, account: Account) -> Iterator[bytes]:
    for page in _conversations(database, account):
        yield _lines(page)


def _message_lines(database: Database, account: Account) -> Iterator[bytes]:
    for page in _conversations(database, account):
        for conversation in page:
            yield from _messages(database, account, conversation)


def _conversations(database: Database, account: Account) -> Iterator[list[ExportedConversation]]:
    after = 0
    while page := _page_of_conversations(database, account, after):
        yield page
        after = page[-1].conversation


def _page_of_conversations(
    database: Database, account: Account, after: int
) -> list[ExportedConversation]:
    mine, theirs = aliased(Member), aliased(Member)
    with database.reading() as session:
        found = session.exec(
            select(mine, Conversation, Account)
            .join(Conversation, col(Conversation.id) == mine.conversation_id)
            .join(theirs, col(theirs.conversation_id) == mine.conversation_id)
            .join(Account, col(Account.id) == theirs.account_id)
            .where(mine.account_id == account.id, theirs.account_id != account.id)
            .where(mine.conversation_id > after)
            .order_by(col(mine.conversation_id))
            .limit(_AT_ONCE)
        )
        return [
            ExportedConversation(
                conversation=me.conversation_id,
                peer=peer.name,
                peer_display_name=peer.display_name,
                last_seq=conversation.last_seq,
                delivered=me.delivered_seq,
                read=me.read_seq,
            )
            for me, conversation, peer in found
        ]


def _messages(
    database: Database, account: Account, conversation: ExportedConversation
) -> Iterator[bytes]:
    after = 0
    while after < conversation.last_seq:
        with database.reading() as session:
            page = session.exec(
                select(Message)
                .where(
                    Message.conversation_id == conversation.conversation,
                    Message.seq > after,
                    Message.seq <= conversation.last_seq,
                )
                .order_by(col(Message.seq))
                .limit(_AT_ONCE)
            ).all()
            lines = _lines([_record(message, account, conversation.peer) for message in page])
        if not page:
            return
        yield lines
        after = page[-1].seq


def _record(message: Message, account: Account, peer: str) -> MessageRecord:
    is_own = message.sender_id == account.id
    return message_record(message, *((account.name, peer) if is_own else (peer, account.name)))
