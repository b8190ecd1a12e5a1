"""Keeps each shard's session open: connects, waits for its end, connects again with jitter.

Two bridges on one shard must not fight for ever: the broker lets the newcomer take the session
over, and the one that was taken over stands by until nobody has served the shard for a while.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bridge import metrics
from bridge.backoff import Backoff
from bridge.connecting import connect
from bridge.session import Session, SessionLost, TakenOver
from bridge.worker import Worker
from chat.database import Database
from chat.models import Shard
from chat.secrets import Secrets
from chat.settings import Settings
from chat.shards import BEAT_EVERY_SECONDS, SILENT_AFTER_SECONDS, beat, last_beats
from chat.times import now

T = TypeVar("T")

# Who loses one connection right after the other waits longer each time.
_STEADY_SECONDS = 5.0
# As long as any, for when nobody knows: a first start, or a database that does not answer yet.
_LONG_ABSENCE_SECONDS = 86_400.0

log = structlog.get_logger()


class Serving:
    """The sessions of the shards that this bridge serves, and its heartbeat in SQL."""

    def __init__(
        self, settings: Settings, secrets: Secrets, database: Database, worker: Worker, name: str
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._database = database
        self._worker = worker
        self._name = name
        self._open: dict[int, Session] = {}

    async def run(self) -> None:
        """Serve all shards of the settings until cancelled."""
        self._worker.forgive(await self._absence_seconds())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat_for_ever())
            for shard in self._settings.shards_served:
                tasks.create_task(self._serve(shard))

    def close(self) -> None:
        """End all connections; the broker keeps the sessions and what arrives in them."""
        for session in self._open.values():
            session.close()

    async def _serve(self, shard: int) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        served_until = loop.time()
        while True:
            was_open, opened_at = False, loop.time()
            try:
                # Before connecting: what has piled up comes in with the broker's first answer.
                self._worker.forgive(loop.time() - served_until)
                session = await connect(
                    self._settings, self._secrets, shard, receive=self._worker.receive
                )
                was_open = True
                await self._until_lost(session)
            except SessionLost as why:
                if was_open and loop.time() - opened_at > _STEADY_SECONDS:
                    backoff.reset()
                served_until = loop.time() if was_open else served_until
                wait_seconds = backoff.next_seconds()
                log.warning("no session", shard=shard, why=str(why), next_try_in=wait_seconds)
                await asyncio.sleep(wait_seconds)
                if isinstance(why, TakenOver) or (was_open and await self._is_another_there(shard)):
                    await self._stand_by(shard)

    async def _until_lost(self, session: Session) -> None:
        log.info("session open", shard=session.shard, present_before=session.present_before)
        if not session.present_before:
            log.warning("the broker did not have this session before", shard=session.shard)
        self._open[session.shard] = session
        metrics.SESSIONS.inc()
        try:
            await self._beat_now([session.shard])
            await asyncio.shield(session.lost)
        finally:
            del self._open[session.shard]
            metrics.SESSIONS.dec()
            metrics.CONNECTIONS_LOST.inc()

    async def _stand_by(self, shard: int) -> None:
        log.warning("another bridge took this shard over; standing by", shard=shard)
        while await self._is_another_there(shard):
            await asyncio.sleep(BEAT_EVERY_SECONDS)
        log.warning("nobody serves this shard any more; taking it", shard=shard)

    # The heartbeat.

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY_SECONDS)
            await self._beat_now(sorted(self._open))

    async def _beat_now(self, shards: list[int]) -> None:
        def write() -> None:
            with self._database.writing() as session:
                beat(session, shards=shards, worker=self._name, now=now())

        try:
            await self._in_writer_thread(write)
        except SQLAlchemyError:
            log.warning("the heartbeat could not be written")

    async def _absence_seconds(self) -> float:
        """How long messages have been gathering at the broker without any bridge."""
        try:
            beats = await self._in_writer_thread(self._read_beats)
        except SQLAlchemyError:
            return _LONG_ABSENCE_SECONDS
        absences = [(now() - row.beat_at).total_seconds() for row in beats.values()]
        return max(absences, default=_LONG_ABSENCE_SECONDS)

    async def _is_another_there(self, shard: int) -> bool:
        """Whether another bridge has lately said that it serves the shard. Asked after a loss,
        since not every broker says why it ended a connection (mosquitto 2.0.11 does not)."""
        try:
            row = (await self._in_writer_thread(self._read_beats)).get(shard)
        except SQLAlchemyError:
            return False
        if row is None or row.worker == self._name:
            return False
        return (now() - row.beat_at).total_seconds() < SILENT_AFTER_SECONDS

    def _read_beats(self) -> dict[int, Shard]:
        with self._database.reading() as session:
            return last_beats(session)

    async def _in_writer_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker.writer, function)
