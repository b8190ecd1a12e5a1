"""Copies that the broker refused, noted in SQL so that `./katydid explain` can tell of them.

Rare, and of no importance for what is delivered: the archive has the message. So they are written
some at a time, in the archive's thread between two batches; and what SQL does not take, or comes
in a flood, is counted (`metrics.py`) and forgotten.
"""

import asyncio
from concurrent.futures import Executor

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bridge import statements
from bridge.session import Refusal
from chat.database import Database
from chat.engines import problem_of
from chat.times import milliseconds, now
from chat.topics import account_told_at

_WRITE_AFTER_SECONDS = 0.5
_MOST_AT_ONCE = 500

log = structlog.get_logger()


class _Place(msgspec.Struct):
    """What is needed of a message that was to be delivered."""

    conversation: int
    seq: int


class Refusals:
    """Gathers them, and writes them half a second after the first."""

    def __init__(self, database: Database, writer: Executor) -> None:
        self._database = database
        self._writer = writer
        self._noted: list[tuple[int, int, str, int, int]] = []
        self._loop = asyncio.get_running_loop()

    def note(self, refusal: Refusal) -> None:
        """To be written soon; only what was archived has a place."""
        account = account_told_at(refusal.topic)
        if account is None or len(self._noted) >= _MOST_AT_ONCE:
            return
        try:
            place = msgspec.json.decode(refusal.payload, type=_Place)
        except msgspec.ValidationError:  # a page of history that was asked for at this topic
            return
        if not self._noted:
            self._loop.call_later(_WRITE_AFTER_SECONDS, self._write_soon)
        at_ms = milliseconds(now())
        self._noted.append((place.conversation, place.seq, account, refusal.reason, at_ms))

    def _write_soon(self) -> None:
        noted, self._noted = self._noted, []
        try:
            self._loop.run_in_executor(self._writer, self._write, noted)
        except RuntimeError:  # the bridge ends
            return

    def _write(self, noted: list[tuple[int, int, str, int, int]]) -> None:
        try:
            with self._database.transaction() as connection:
                worded = statements.in_words_of(self._database.dialect, statements.NOTE_REFUSED)
                connection.exec_driver_sql(worded, (msgspec.json.encode(noted).decode(),))
        except SQLAlchemyError as error:
            log.warning("refused copies could not be noted", error=problem_of(error))
