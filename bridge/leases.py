"""The leases that this bridge holds: renewed, shared with other bridges, given back in the end.

All that is said to SQL about them is said in the archive's thread, between two batches. What it
means for the sessions is the business of `serving.py`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bridge.worker import Worker
from chat.database import Database
from chat.shards import (
    RENEW_EVERY_SECONDS,
    Lease,
    give_back,
    hand_over,
    handovers,
    renew_leases,
    succeed_namesake,
)

T = TypeVar("T")

log = structlog.get_logger()


class Leases:
    """What one bridge holds, as SQL last said. `shards` are those that it may take."""

    def __init__(
        self, database: Database, worker: Worker, *, name: str, shards: Collection[int]
    ) -> None:
        self._database = database
        self._worker = worker
        self._name = name
        self._shards = shards
        self._has_begun = False
        self._asked_for = asyncio.Event()
        self._renewed = asyncio.Condition()
        self.held: dict[int, Lease] = {}
        # shard → the worker that it should be handed over to
        self.to_hand_over: dict[int, str] = {}

    async def renew(self, served: Collection[int]) -> None:
        """Hold on to what is held, and take what nobody holds. While the database does not answer,
        all stays as it was: nobody else can have taken anything, or the archive will say so."""
        try:
            self.held, self.to_hand_over = await self._in_writer_thread(lambda: self._renew(served))
        except SQLAlchemyError:
            log.warning("the leases could not be renewed")
            return
        async with self._renewed:
            self._renewed.notify_all()

    def renew_soon(self) -> None:
        """Let `until_due` end now."""
        self._asked_for.set()

    async def until_due(self) -> None:
        """Until it is time to renew, or somebody asks what is held now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RENEW_EVERY_SECONDS):
                await self._asked_for.wait()
        self._asked_for.clear()

    async def still_hold(self, lease: Lease) -> bool:
        """Whether SQL says so, asked anew, for as long as it takes."""
        async with self._renewed:
            self.renew_soon()
            await self._renewed.wait()
        return self.held.get(lease.shard) == lease

    async def hand_over(self, lease: Lease, *, to: str) -> None:
        """Give the lease to another bridge, which finds it with its next renewal."""

        def write() -> None:
            with self._database.writing() as session:
                hand_over(session, lease, to=to)

        await self._say(write)

    async def give_back(self) -> None:
        """Let others have all of them at once."""

        def write() -> None:
            with self._database.writing() as session:
                give_back(session, self._name)

        await self._say(write)

    def _renew(self, served: Collection[int]) -> tuple[dict[int, Lease], dict[int, str]]:
        with self._database.writing() as session:
            if not self._has_begun:
                succeed_namesake(session, self._name)
            held = renew_leases(session, worker=self._name, shards=self._shards, served=served)
            to_hand_over = handovers(session, self._name)
        self._has_begun = True
        return held, to_hand_over

    async def _say(self, write: Callable[[], None]) -> None:
        try:
            await self._in_writer_thread(write)
        except SQLAlchemyError:
            log.warning("a lease could not be given to another; it ends by itself")

    async def _in_writer_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker.writer, function)
