"""A batch of commands → one transaction → what is to be told to whom.

Runs in one thread of the bridge, one batch at a time. Within the transaction: take out what is
stored already, number the rest, insert, move `last_seq`, then the cursors, then presence. Either
all of a batch is in SQL when `store` returns, or nothing is.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from bridge import statements
from bridge.intake import (
    Announce,
    AskHistory,
    Command,
    MoveCursor,
    Refuse,
    Send,
    Typing,
    refuse,
    unknown_recipient,
)
from chat.conversations import direct_key
from chat.database import Database
from chat.payloads import (
    MessageRecord,
    PresenceRecord,
    ReceiptRecord,
    Record,
    TypingRecord,
)
from chat.times import milliseconds, rfc3339_from

C = TypeVar("C", Send, MoveCursor, Typing, Announce, Refuse)
ToSomeone = Send | MoveCursor | Typing | AskHistory


class News(Struct, frozen=True):
    """A record, and the accounts that are to hear of it. `stored` tells a new message apart from
    a repeat of one that the archive had."""

    record: Record
    to: tuple[str, ...]
    stored: bool = False


class Archive:
    """The writing side of the archive. Not safe for use by two threads at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Accounts are never renamed and names never given out twice, so this is always right.
        self._account_ids: dict[str, int] = {}

    def store(self, commands: Sequence[Command], now: datetime) -> list[News | None]:
        """The news of each command, in their order; None where nobody is to be told.

        Raises SQLAlchemyError when the database did not take it: then nothing of it is stored,
        and the same batch may be tried again.
        """
        with self._database.transaction() as connection:
            return _Batch(connection, commands, milliseconds(now), self._account_ids).store()


class _Batch:
    """One transaction at work. `_news` fills up in place, by the commands' positions."""

    def __init__(
        self,
        connection: Connection,
        commands: Sequence[Command],
        now_ms: int,
        account_ids: dict[str, int],
    ) -> None:
        self._connection = connection
        self._commands = commands
        self._now_ms = now_ms
        self._account_ids = account_ids
        self._news: list[News | None] = [None] * len(commands)
        self._conversations: dict[str, tuple[int, int]] = {}  # key → id, last_seq

    def store(self) -> list[News | None]:
        self._learn_account_ids()
        for position, refusal in self._of_kind(Refuse):
            self._refuse(position, refusal)
        sends, moves, typings = (
            self._of_kind(Send),
            self._of_kind(MoveCursor),
            self._of_kind(Typing),
        )
        relayed: list[Send | Typing] = [*_commands(sends), *_commands(typings)]
        concerned: list[Send | MoveCursor | Typing] = [*relayed, *_commands(moves)]
        self._learn_conversations(concerned)
        blocked = self._blocked(relayed)
        self._store_messages(sends, blocked)
        self._move_cursors(moves)
        self._relay_typing(typings, blocked)
        for position, announcement in self._of_kind(Announce):
            self._announce(position, announcement)
        return self._news

    # Who and where.

    def _of_kind(self, kind: type[C]) -> list[tuple[int, C]]:
        """The commands of a kind with their positions, less those that are refused already."""
        return [
            (position, command)
            for position, command in enumerate(self._commands)
            if isinstance(command, kind) and self._news[position] is None
        ]

    def _learn_account_ids(self) -> None:
        """All names at once; what is meant for nobody is refused."""
        named = {name for command in self._commands for name in _names_in(command)}
        if unknown := named - self._account_ids.keys():
            self._account_ids.update(
                (name, id) for name, id in self._select(statements.ACCOUNT_IDS, list(unknown))
            )
        for position, command in enumerate(self._commands):
            if isinstance(command, ToSomeone) and command.to not in self._account_ids:
                id = command.id if isinstance(command, Send) else None
                refusal = unknown_recipient(command.account, command.verb, command.to, id)
                self._refuse(position, refusal)

    def _ids(self, command: Send | MoveCursor | Typing) -> tuple[int, int]:
        return self._account_ids[command.account], self._account_ids[command.to]

    def _learn_conversations(self, commands: Sequence[Send | MoveCursor | Typing]) -> None:
        keys = {direct_key(*self._ids(command)) for command in commands}
        if keys:
            self._conversations.update(
                (key, (id, last_seq))
                for key, id, last_seq in self._select(statements.CONVERSATIONS, list(keys))
            )

    def _blocked(self, commands: Sequence[Send | Typing]) -> set[tuple[int, int]]:
        """(recipient, sender) of those pairs where the recipient blocked the sender."""
        pairs = {self._ids(command)[::-1] for command in commands}
        return {(row[0], row[1]) for row in self._select(statements.BLOCKS, list(pairs))}

    # Messages.

    def _store_messages(self, sends: list[tuple[int, Send]], blocked: set[tuple[int, int]]) -> None:
        known = self._known_messages(sends)
        accepted: list[tuple[int, Send]] = []
        for position, send in sends:
            sender, recipient = self._ids(send)
            is_known = (direct_key(sender, recipient), sender, send.id) in known
            if not is_known and (recipient, sender) in blocked:
                detail = f"{send.to} does not accept messages from you."
                refusal = refuse(send.account, "send", send.to, "refused", detail, id=send.id)
                self._refuse(position, refusal)
            else:
                accepted.append((position, send))
        self._begin_conversations(accepted)
        rows = [row for item in accepted if (row := self._number(*item, known)) is not None]
        self._run(statements.NEW_MESSAGE, rows)
        last_seqs = {conversation: seq for conversation, seq, *_ in rows}
        self._run(statements.MOVE_LAST_SEQ, [(seq, id) for id, seq in sorted(last_seqs.items())])

    def _known_messages(
        self, sends: list[tuple[int, Send]]
    ) -> dict[tuple[str, int, str | None], MessageRecord]:
        """What is stored already of this batch: the repeats."""
        asked: dict[tuple[int, int, str], tuple[str, Send]] = {}
        for _, send in sends:
            sender, recipient = self._ids(send)
            key = direct_key(sender, recipient)
            if send.id is not None and key in self._conversations:
                asked[self._conversations[key][0], sender, send.id] = key, send
        known = {}
        for conversation, sender, id, *stored in self._select(
            statements.KNOWN_MESSAGES, list(asked)
        ):
            key, send = asked[conversation, sender, id]
            seq, kind, body, sent_at, stored_at = stored
            known[key, sender, id] = MessageRecord(
                conversation=conversation,
                seq=seq,
                id=id,
                sender=send.account,
                to=send.to,
                kind=kind,
                text=body,
                sent_at=None if sent_at is None else rfc3339_from(sent_at),
                stored_at=rfc3339_from(stored_at),
            )
        return known

    def _begin_conversations(self, sends: list[tuple[int, Send]]) -> None:
        pairs = {direct_key(*ids): ids for _, send in sends for ids in [self._ids(send)]}
        new = {key: ids for key, ids in pairs.items() if key not in self._conversations}
        if not new:
            return
        self._run(statements.NEW_CONVERSATION, [(key,) for key in new])
        begun = list(self._select(statements.CONVERSATIONS, list(new)))
        self._run(
            statements.NEW_MEMBER,
            [(id, account_id) for key, id, _ in begun for account_id in new[key]],
        )
        self._conversations.update((key, (id, last_seq)) for key, id, last_seq in begun)

    def _number(
        self, position: int, send: Send, known: dict[tuple[str, int, str | None], MessageRecord]
    ) -> tuple[Any, ...] | None:
        """Give the message its `seq` and its news; answers the row to insert, None for a repeat."""
        sender, recipient = self._ids(send)
        key = direct_key(sender, recipient)
        if repeat := known.get((key, sender, send.id)):
            self._news[position] = News(repeat, (send.account, send.to))
            return None
        id, last_seq = self._conversations[key]
        seq = last_seq + 1
        self._conversations[key] = id, seq
        client_id = send.id or f"bridge-{secrets.token_hex(8)}"
        record = MessageRecord(
            conversation=id,
            seq=seq,
            id=client_id,
            sender=send.account,
            to=send.to,
            kind="text",
            text=send.text,
            sent_at=None if send.sent_at_ms is None else rfc3339_from(send.sent_at_ms),
            stored_at=rfc3339_from(self._now_ms),
        )
        known[key, sender, client_id] = record
        self._news[position] = News(record, (send.account, send.to), stored=True)
        return id, seq, sender, client_id, send.text, send.sent_at_ms, self._now_ms

    # Receipts and typing.

    def _move_cursors(self, moves: list[tuple[int, MoveCursor]]) -> None:
        """Forward only. Of several in a batch for one member, the last one tells the outcome."""
        places = [
            (position, move, place)
            for position, move in moves
            if (place := self._place(position, move)) is not None
        ]
        cursors = {
            (conversation, account): (delivered, read)
            for conversation, account, delivered, read in self._select(
                statements.CURSORS, list({place for _, _, place in places})
            )
        }
        before = dict(cursors)
        last: dict[tuple[int, int], tuple[int, MoveCursor]] = {}
        repeated = set()
        for position, move, place in places:
            delivered, read = cursors[place]
            read = max(read, move.seq) if move.verb == "read" else read
            cursors[place] = max(delivered, move.seq), read
            last[place] = position, move
            if move.repeated:
                repeated.add(place)
        moved = {place for place in cursors if cursors[place] != before[place]}
        self._run(statements.MOVE_CURSOR, [(*cursors[place], *place) for place in sorted(moved)])
        # One that came before may have been stored without anybody having been told.
        for place in moved | repeated:
            (position, move), (delivered, read) = last[place], cursors[place]
            record = ReceiptRecord(
                conversation=place[0], account=move.account, delivered=delivered, read=read
            )
            self._news[position] = News(record, (move.account, move.to))

    def _place(self, position: int, move: MoveCursor) -> tuple[int, int] | None:
        """The conversation and account whose cursor it is; refused beyond the newest message."""
        account, peer = self._ids(move)
        id, last_seq = self._conversations.get(direct_key(account, peer), (0, 0))
        if move.seq <= last_seq:
            return id, account
        detail = f"seq is {move.seq}, but the newest message is {last_seq}."
        refusal = refuse(move.account, move.verb, move.to, "malformed", detail)
        self._refuse(position, refusal)
        return None

    def _relay_typing(
        self, typings: list[tuple[int, Typing]], blocked: set[tuple[int, int]]
    ) -> None:
        for position, typing in typings:
            account, peer = self._ids(typing)
            conversation = self._conversations.get(direct_key(account, peer))
            if conversation is not None and (peer, account) not in blocked:
                record = TypingRecord(conversation=conversation[0], sender=typing.account)
                self._news[position] = News(record, (typing.to,))

    # Presence.

    def _announce(self, position: int, announced: Announce) -> None:
        """Told only when the account as a whole comes or goes: a late will of an old connection
        ends that connection alone."""
        account = self._account_ids.get(announced.account)
        if account is None:
            return
        was_online = self._is_online(account)
        if announced.online:
            began = (account, announced.connection, self._now_ms)
            self._run(statements.CONNECTION_BEGAN, [began])
        else:
            self._run(statements.CONNECTION_ENDED, [(account, announced.connection)])
        online = self._is_online(account)
        if was_online and not online:
            self._run(statements.SEEN_NOW, [(self._now_ms, account)])
        if was_online != online or announced.repeated:
            self._tell_presence(position, announced.account, account, online)

    def _is_online(self, account: int) -> bool:
        (count,) = self._one(statements.COUNT_CONNECTIONS, account)
        return bool(count)

    def _tell_presence(self, position: int, name: str, account: int, online: bool) -> None:
        (seen_at,) = self._one(statements.LAST_SEEN, account)
        peers = self._connection.exec_driver_sql(statements.PEERS, (account,))
        record = PresenceRecord(
            account=name,
            online=online,
            last_seen_at=None if seen_at is None else rfc3339_from(seen_at),
        )
        self._news[position] = News(record, tuple(peer for (peer,) in peers))

    # Statements.

    def _refuse(self, position: int, refusal: Refuse) -> None:
        to = (refusal.account,) if refusal.account is not None else ()
        self._news[position] = News(refusal.error, to)

    def _select(self, statement: str, wanted: Sequence[Any]) -> Iterable[Any]:
        if not wanted:
            return []
        return self._connection.exec_driver_sql(statement, (_json(wanted),))

    def _one(self, statement: str, account: int) -> Any:
        return self._connection.exec_driver_sql(statement, (account,)).one()

    def _run(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._connection.exec_driver_sql(statement, rows)


def _commands(positioned: list[tuple[int, C]]) -> list[C]:
    return [command for _, command in positioned]


def _names_in(command: Command) -> tuple[str, ...]:
    if isinstance(command, ToSomeone):
        return command.account, command.to
    return (command.account,) if isinstance(command, Announce) else ()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
