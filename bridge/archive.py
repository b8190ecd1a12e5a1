"""A batch of commands → one transaction → what is to be told to whom.

Runs in one thread of the bridge, one batch at a time. Either all of a batch is in SQL when `store`
returns, or nothing is. The steps are in files of their own: messages, receipts, presence. The very
first one is the fence: what came in under a lease that has gone to another is not stored.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from bridge import statements
from bridge.intake import (
    Announce,
    AskHistory,
    Change,
    Command,
    MoveCursor,
    Refuse,
    Send,
    Typing,
    unknown_recipient,
)
from bridge.messages import store_messages
from bridge.notifications import note_what_to_tell
from bridge.presence import announce
from bridge.receipts import move_cursors, relay_typing
from bridge.transaction import News, Transaction
from chat.database import Database
from chat.times import milliseconds
from chat.writer import Row

_TO_SOMEONE = (Send, Change, MoveCursor, Typing, AskHistory)


_HeldLease = tuple[int, int]  # shard, number


class LeaseLost(Exception):
    """Another bridge serves a shard by now; `leases` are those that have gone."""

    def __init__(self, leases: Collection[_HeldLease]) -> None:
        super().__init__(f"the leases of shards {sorted(leases)} have gone to another")
        self.leases = leases


class Archive:
    """The writing side of the archive. Not safe for use by two threads at once."""

    def __init__(self, database: Database, *, strangers_per_hour: int | None = None) -> None:
        self._writer = database.writer()
        self._strangers_per_hour = strangers_per_hour
        # Accounts are never renamed and names never given out twice, so this is always right.
        self._account_ids: dict[str, int] = {}
        # So is this, since neither do things change hands: the owner's id by the thing's.
        self._owner_ids: dict[int, int] = {}

    def store(
        self, commands: Sequence[Command], now: datetime, leases: Collection[_HeldLease]
    ) -> list[News | None]:
        """The news of each command, in their order; None where nobody is to be told. `leases` are
        those under which the commands came.

        Raises LeaseLost for those that are no longer held, and SQLAlchemyError when the database
        did not take it: then nothing of it is stored, and the same batch may be tried again.
        """
        with self._writer.transaction() as connection:
            batch = Transaction(
                connection,
                commands,
                milliseconds(now),
                account_ids=self._account_ids,
                owner_ids=self._owner_ids,
            )
            held = batch.select(statements.LEASES, list(leases))
            _refuse_what_cannot_be(batch)
            posts, moves, typings = batch.posts(), batch.all(MoveCursor), batch.all(Typing)
            numbered, others = [c for _, c in posts], [c for _, c in moves + typings]
            conversations = batch.ask_conversations(numbered, others)
            blocks = batch.ask_blocks(numbered, [c for _, c in typings])
            _fence(leases, held)
            batch.note_conversations(conversations)
            blocked = batch.blocked(blocks, numbered, [c for _, c in typings])
            store_messages(batch, posts, blocked, strangers_per_hour=self._strangers_per_hour)
            move_cursors(batch, moves, batch.strangers([c for _, c in moves]))
            relay_typing(batch, typings, blocked)
            announce(batch, batch.all(Announce))
            note_what_to_tell(batch, posts, moves)
        return batch.news

    def close(self) -> None:
        """Let go of the database."""
        self._writer.close()


def _fence(leases: Collection[_HeldLease], held: Iterable[Row]) -> None:
    if lost := set(leases) - set(map(tuple, held)):
        raise LeaseLost(lost)


def _refuse_what_cannot_be(batch: Transaction) -> None:
    """What came in malformed, and what is meant for nobody."""
    batch.learn_account_ids({name for command in batch.commands for name in _names_in(command)})
    for position, command in enumerate(batch.commands):
        if isinstance(command, Refuse):
            batch.refuse(position, command)
        elif isinstance(command, _TO_SOMEONE) and command.to not in batch.account_ids:
            id = command.id if isinstance(command, (Send, Change, AskHistory)) else None
            refusal = unknown_recipient(command.account, command.verb, command.to, id)
            batch.refuse(position, refusal)


def _names_in(command: Command) -> tuple[str, ...]:
    if isinstance(command, _TO_SOMEONE):
        return command.account, command.to
    return (command.account,) if isinstance(command, Announce) else ()
