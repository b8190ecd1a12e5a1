"""One transaction at work on a batch: what its steps share.

Which accounts and conversations are concerned, whose news have been found, and how to run a
statement. Lives from the begin of a transaction to its end.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from bridge import statements
from bridge.intake import Announce, Change, Command, MoveCursor, Post, Refuse, Send, Typing
from chat.conversations import direct_key
from chat.payloads import Record
from chat.writer import Connection, Row

C = TypeVar("C", MoveCursor, Typing, Announce)
Concerned = Post | MoveCursor | Typing
Pair = tuple[int, int]  # sender, recipient
# What stands between the two: the recipient is no more, or does not want it, or one of both is a
# thing that may not talk with the other.
Barrier = Literal["gone", "block", "thing"]
Blocked = dict[Pair, Barrier]


class News(Struct, frozen=True):
    """A record, and the accounts that are to hear of it. `stored` tells a new message apart from
    a repeat of one that the archive had; `besides` is what others are told of the same."""

    record: Record
    to: tuple[str, ...]
    stored: bool = False
    besides: "News | None" = None


class Transaction:
    """A batch in its transaction. `news` fills up in place, by the commands' positions."""

    def __init__(
        self,
        connection: Connection,
        commands: Sequence[Command],
        now_ms: int,
        *,
        account_ids: dict[str, int],
        owner_ids: dict[int, int],
    ) -> None:
        self._connection = connection
        self.commands = commands
        self.now_ms = now_ms
        self.account_ids = account_ids
        self._owner_ids = owner_ids  # of things
        self.news: list[News | None] = [None] * len(commands)
        self.conversations: dict[str, tuple[int, int]] = {}  # key → id, last_seq
        # A stranger, and who has not accepted it yet.
        self.requests: set[Pair] = set()
        self._keys_of_pairs: dict[tuple[str, str], str] = {}

    def all(self, kind: type[C]) -> list[tuple[int, C]]:
        """The commands of a kind with their positions, less those that are refused already."""
        return [
            (position, command)
            for position, command in enumerate(self.commands)
            if isinstance(command, kind) and self.news[position] is None
        ]

    def posts(self) -> list[tuple[int, Post]]:
        """The same of what is archived and numbered, in one order."""
        return [
            (position, command)
            for position, command in enumerate(self.commands)
            if isinstance(command, (Send, Change)) and self.news[position] is None
        ]

    def refuse(self, position: int, refusal: Refuse) -> None:
        """Tell the sender why, and nobody else."""
        to = (refusal.account,) if refusal.account is not None else ()
        self.news[position] = News(refusal.error, to)

    # Who and where.

    def learn_account_ids(self, names: set[str]) -> None:
        """Look up those names that are not known yet."""
        if unknown := names - self.account_ids.keys():
            found = self.select(statements.ACCOUNT_IDS, [[name] for name in unknown])
            for name, id, owner_id in found:
                self.account_ids[name] = id
                if owner_id is not None:
                    self._owner_ids[id] = owner_id

    def ask_conversations(self, *commands: Sequence[Concerned]) -> Iterable[Row]:
        """Those that the commands are about, where they exist, for `note_conversations`."""
        return self.select(statements.CONVERSATIONS, self._keys(*commands))

    def lock_conversations(self, commands: Sequence[Post]) -> Iterable[Row]:
        """The same once more, and until the end nobody else numbers messages in them."""
        if self._connection.dialect == "sqlite":  # where nobody else writes meanwhile anyway
            return []
        return self.select(statements.LOCKED_CONVERSATIONS, self._keys(commands))

    def note_conversations(self, found: Iterable[Row]) -> None:
        """From now on they are known."""
        self.conversations.update((key, (id, last_seq)) for key, id, last_seq in found)

    def ask_blocks(self, *commands: Sequence[Concerned]) -> Iterable[Row]:
        """Where something stands between recipient and sender, for `blocked`."""
        pairs = {self.ids(command)[::-1] for some in commands for command in some}
        return self.select(statements.BLOCKS, list(pairs))

    def blocked(self, found: Iterable[Row], *commands: Sequence[Concerned]) -> Blocked:
        """The pairs where the recipient blocked the sender, or one of both was deleted, or is a
        thing that may not talk with the other. Those of strangers are in `requests` from now on."""
        blocked: Blocked = dict.fromkeys(self.strangers(*commands), "thing")
        for recipient, sender, what in found:
            if what == "request":
                self.requests.add((sender, recipient))
            elif what == "answer":
                self.requests.add((recipient, sender))
            else:
                blocked[sender, recipient] = what
        return blocked

    def is_request(self, command: Concerned) -> bool:
        """Whether one of the two has not accepted the other yet."""
        pair = self.ids(command)
        return pair in self.requests or pair[::-1] in self.requests

    def strangers(self, *commands: Sequence[Concerned]) -> set[Pair]:
        """The pairs of which one is a thing, and the other neither its owner nor allowed. Where
        there are no things, nothing is asked."""
        if not self._owner_ids:
            return set()
        pairs = {self.ids(command) for some in commands for command in some}
        asked = {
            (thing, other)
            for pair in pairs
            for thing, other in (pair, pair[::-1])
            if self._owner_ids.get(thing, other) != other
        }
        refused = asked - set(map(tuple, self.select(statements.ALLOWANCES, list(asked))))
        return {pair for pair in pairs if pair in refused or pair[::-1] in refused}

    def ids(self, command: Concerned) -> tuple[int, int]:
        """The account ids of the sender and of the recipient."""
        return self.account_ids[command.account], self.account_ids[command.to]

    def key(self, command: Concerned) -> str:
        """What the conversation is found by."""
        pair = command.account, command.to
        if (key := self._keys_of_pairs.get(pair)) is None:
            key = self._keys_of_pairs[pair] = direct_key(*self.ids(command))
        return key

    def _keys(self, *commands: Sequence[Concerned]) -> list[tuple[str]]:
        return [(key,) for key in {self.key(command) for some in commands for command in some}]

    # Statements. Rows are waited for when they are read: ask for all that can be asked for first.

    def select(self, statement: str, wanted: Sequence[Sequence[Any]]) -> Iterable[Row]:
        """The rows of a set-based statement, for all that is wanted at once."""
        if not wanted:
            return []
        return self._connection.select(self._worded(statement), (_as_json(wanted),))

    def select_of(self, account_id: int, statement: str) -> Iterable[Row]:
        """The rows of a statement about one account."""
        return self._connection.select(self._worded(statement), (account_id,))

    def change(self, statement: str, wanted: Sequence[Sequence[Any]]) -> None:
        """A set-based statement that writes."""
        if wanted:
            self.run(statement, (_as_json(wanted),))

    def insert(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """As `change`, where SQLite is told row by row."""
        if self._connection.dialect != "sqlite":
            self.change(statement, rows)
        elif rows:
            self._connection.write_each(self._worded(statement), rows)

    def run(self, statement: str, values: Sequence[Any]) -> None:
        """A statement that writes, with its values."""
        self._connection.write(self._worded(statement), values)

    def _worded(self, statement: str) -> str:
        return statements.in_words_of(self._connection.dialect, statement)


def _as_json(wanted: Sequence[Sequence[Any]]) -> str:
    return msgspec.json.encode(wanted).decode()
