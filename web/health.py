"""Whether SQL, broker and bridge are ready; `/healthz` shows it.

A lock or a network can hold a check up for long, but never the answer: each check runs in a thread
of its own, and one that is not back in time is what is wrong. What it finds then is for who asks
next: else a machine with so much to do that each check takes a little longer would never be well.
"""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.engines import problem_of
from chat.errors import KatydidError
from chat.settings import Settings
from chat.shards import SILENT_AFTER_SECONDS, unserved_shards
from chat.topics import shard_digit
from web.limit_storage import SqlStorage

ANSWER_WITHIN_SECONDS = 1.5
_CONNECT_WITHIN_SECONDS = 1.0
# Of a check that came too late, for who asks next.
_NEWS_FOR_SECONDS = 5.0
# Anybody may ask for our health, which must not keep SQL busy with commits.
_WRITE_EVERY_SECONDS = 1.0
_WRITING = "writing"


class NotReady(KatydidError):
    """A part of the installation does not do its work just now."""


class Health:
    """Checks the parts, all at once. A check that is still under way is not begun again."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._storage = SqlStorage(database)
        self._written_at = float("-inf")
        self._checks: dict[str, Callable[[], None]] = {
            "sql": self._check_sql,
            _WRITING: self._check_writing,
            "broker": self._check_broker,
            "bridge": self._check_bridge,
        }
        self._threads = ThreadPoolExecutor(len(self._checks), "health")
        self._under_way: dict[str, Future[None]] = {}
        self._ended_at: dict[str, float] = {}  # of those that nobody was told of
        self._lock = threading.Lock()

    def problems(self) -> dict[str, str | None]:
        """What is wrong with each part, in a sentence; None where it is ready."""
        with self._lock:
            for part, check in self._checks.items():
                if self._is_to_begin(part):
                    self._under_way[part] = self._threads.submit(self._run, part, check)
            checks = dict(self._under_way)
        wait(checks.values(), timeout=ANSWER_WITHIN_SECONDS)
        with self._lock:
            for part in checks:
                if checks[part].done():
                    self._ended_at.pop(part, None)
        writing = checks.pop(_WRITING)
        problems = {part: _problem(check) for part, check in checks.items()}
        if problems["sql"] is None and writing.done():  # else another writes, so it can be done
            problems["sql"] = _problem(writing)
        return problems

    def _is_to_begin(self, part: str) -> bool:
        """Unless it is under way, or has ended a moment ago and nobody was told."""
        last = self._under_way.get(part)
        if last is not None and not last.done():
            return False
        ended_at = self._ended_at.pop(part, float("-inf"))
        return time.monotonic() - ended_at > _NEWS_FOR_SECONDS

    def _run(self, part: str, check: Callable[[], None]) -> None:
        try:
            check()
        finally:
            self._ended_at[part] = time.monotonic()

    def _check_sql(self) -> None:
        try:
            self._database.check()
        except SQLAlchemyError:
            raise NotReady("SQL cannot be read.") from None

    def _check_writing(self) -> None:
        """On a full disk, SQL answers as ever and takes nothing."""
        if time.monotonic() - self._written_at < _WRITE_EVERY_SECONDS:
            return
        try:
            self._storage.incr("healthz", 60)
        except SQLAlchemyError as error:
            raise NotReady(f"SQL cannot be written: {problem_of(error)}.") from None
        self._written_at = time.monotonic()

    def _check_broker(self) -> None:
        address = (self._settings.broker_host, self._settings.mqtt_port)
        try:
            socket.create_connection(address, timeout=_CONNECT_WITHIN_SECONDS).close()
        except OSError:
            raise NotReady("The broker takes no connections.") from None

    def _check_bridge(self) -> None:
        try:
            with self._database.reading() as session:
                unserved = unserved_shards(session)
        except SQLAlchemyError:
            raise NotReady("SQL cannot be asked for the bridges' leases.") from None
        if unserved:
            digits = ", ".join(shard_digit(shard) for shard in unserved)
            raise NotReady(
                f"No bridge has served these shards for {SILENT_AFTER_SECONDS:.0f} s: {digits}."
            )


def _problem(check: Future[None]) -> str | None:
    if not check.done():
        return f"It has not answered for {ANSWER_WITHIN_SECONDS} s."
    error = check.exception()
    if error is None:
        return None
    return str(error) if isinstance(error, NotReady) else "The check itself failed."
