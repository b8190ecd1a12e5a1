"""Batched inserts, the limit of what a database alone does on this machine: the rows that the
bridge would write, in transactions as large as its batches, by nothing but a loop."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.archive import begin_conversations
from bench.installation import postgres
from bench.load import TEXTS
from bench.processes import cpu_seconds
from bridge.statements import MOVE_LAST_SEQS, NEW_MESSAGES
from bridge.transaction import Transaction
from bridge.worker import BATCH_COMMANDS
from chat.database import Database
from chat.times import milliseconds, now

_SIZES = {
    "sqlite": """
        SELECT page_size * (archive.page_count + search.page_count) FROM pragma_page_size(),
            pragma_page_count('archive') AS archive, pragma_page_count('main') AS search
    """,
    "postgresql": "SELECT pg_database_size(current_database())",
}
_BATCH = BATCH_COMMANDS
_CONVERSATIONS = 10


class Rows:
    """A migrated database with ten conversations; `sql` is its server's process, or None."""

    def __init__(self, database: Database, sql: int | None) -> None:
        self.database = database
        self._writer = database.writer()
        self._sql = sql
        self._numbers = count()
        self._last_seqs = [0] * _CONVERSATIONS
        self._chance = random.Random(1)  # noqa: S311  no secret is made of it

    def insert(self, number: int) -> tuple[float, float]:
        """Rows a second, and the seconds of CPU of all that took part."""
        began, cpu = time.perf_counter(), self._cpu()
        for first in range(0, number, _BATCH):
            rows = self._batch(min(_BATCH, number - first))
            with self._writer.transaction() as connection:
                batch = Transaction(connection, [], 0, account_ids={}, owner_ids={})
                batch.insert(NEW_MESSAGES, rows)
                last = [(place + 1, seq) for place, seq in enumerate(self._last_seqs)]
                batch.change(MOVE_LAST_SEQS, last)
        return number / (time.perf_counter() - began), self._cpu() - cpu

    def close(self) -> None:
        """Let go of the database."""
        self._writer.close()

    def size_bytes(self) -> int:
        """Of the whole database on the disk, its log of what is written aside."""
        with self.database.searching() as session:
            return int(
                session.connection().exec_driver_sql(_SIZES[self.database.dialect]).scalar_one()
            )

    def _batch(self, size: int) -> list[tuple[object, ...]]:
        stored_at = milliseconds(now())
        batch: list[tuple[object, ...]] = []
        for _ in range(size):
            number = next(self._numbers)
            place = number % _CONVERSATIONS
            seq = self._last_seqs[place] = self._last_seqs[place] + 1
            id = f"{self._chance.getrandbits(128):032x}"  # as browsers have them
            text = TEXTS[number % len(TEXTS)]
            sender = 2 * place + 1
            batch.append((place + 1, seq, sender, id, "text", text, None, stored_at, None, None))
        return batch

    def _cpu(self) -> float:
        return time.process_time() + (cpu_seconds(self._sql) if self._sql is not None else 0.0)


@contextmanager
def rows(dialect: str) -> Iterator[Rows]:
    """In a database of that kind, of its own."""
    with ExitStack() as ended:
        sql = None
        if dialect == "postgresql":
            url, sql = ended.enter_context(postgres())
        else:
            folder = ended.enter_context(TemporaryDirectory(prefix="katydid-bench-"))
            url = f"sqlite:///{Path(folder) / 'katydid.db'}"
        database = Database(url)
        ended.callback(database.close)
        database.migrate()
        begin_conversations(database, _CONVERSATIONS)
        inserted = Rows(database, sql)
        ended.callback(inserted.close)
        yield inserted
