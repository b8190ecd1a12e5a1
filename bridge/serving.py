"""Keeps open the sessions of those shards whose lease this bridge holds.

A session is opened only under a lease, and after each cut only when SQL says that the lease is
still held: so two bridges never fight for a session, whoever of them the broker knew first. One
that is taken over all the same, by a program that knows nothing of our leases, is opened again
after ever longer waits.
"""

import asyncio

import structlog

from bridge import metrics
from bridge.backoff import Backoff
from bridge.connecting import connect
from bridge.leases import Leases
from bridge.session import Session, SessionLost
from bridge.worker import Worker
from chat.settings import Settings
from chat.shards import Lease

# Who loses one connection right after the other waits longer each time, up to a minute.
_STEADY_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 60.0
# As long as any, for when nobody has ever served a shard.
_LONG_ABSENCE_SECONDS = 86_400.0

log = structlog.get_logger()


class Serving:
    """The sessions of the shards that this bridge serves."""

    def __init__(self, settings: Settings, worker: Worker, leases: Leases) -> None:
        self._settings = settings
        self._worker = worker
        self._leases = leases
        self._open: dict[int, Session] = {}
        self._at_work: dict[Lease, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve what is leased until cancelled; then finish what was begun, end all connections,
        and let others have the shards. The broker keeps the sessions and what arrives in them."""
        async with asyncio.TaskGroup() as tasks:
            try:
                while True:
                    await self._leases.renew(served=list(self._open))
                    self._agree_with_leases(tasks)
                    await self._hand_over_surplus()
                    await self._leases.until_due()
            finally:
                await self._end()

    async def _end(self) -> None:
        sessions = list(self._open.values())
        await self._worker.finish(sessions)
        for session in sessions:
            session.close()
        await self._leases.give_back()

    def _agree_with_leases(self, tasks: asyncio.TaskGroup) -> None:
        held = {lease.shard: lease.number for lease in self._leases.held.values()}
        for lease, task in list(self._at_work.items()):
            if held.get(lease.shard) != lease.number:
                log.warning("another bridge serves this shard now", shard=lease.shard)
                self._stop(lease, task)
        serving = {lease.shard for lease in self._at_work}
        for lease in self._leases.held.values():
            if lease.shard not in serving:
                self._at_work[lease] = tasks.create_task(self._serve(lease))

    async def _hand_over_surplus(self) -> None:
        """Another bridge has come, and gets its share."""
        given = {
            lease: self._leases.to_hand_over[lease.shard]
            for lease in self._at_work
            if lease.shard in self._leases.to_hand_over
        }
        sessions = [self._open[each.shard] for each in given if each.shard in self._open]
        if sessions:
            await self._worker.finish(sessions)
        for lease, other in given.items():
            log.info("handing this shard over", shard=lease.shard, to=other)
            self._stop(lease, self._at_work[lease])
            await self._leases.hand_over(lease, to=other)

    def _stop(self, lease: Lease, task: asyncio.Task[None]) -> None:
        if session := self._open.get(lease.shard):
            session.close()
        task.cancel()
        del self._at_work[lease]

    async def _serve(self, lease: Lease) -> None:
        unreachable, unsteady = Backoff(), Backoff(longest_seconds=_LONGEST_WAIT_SECONDS)
        loop = asyncio.get_running_loop()
        absence = lease.unserved_seconds
        served_until = loop.time() - (_LONG_ABSENCE_SECONDS if absence is None else absence)
        while True:
            # Before connecting: what has piled up comes in with the broker's first answer.
            self._worker.forgive(loop.time() - served_until)
            try:
                session = await connect(
                    self._settings,
                    lease,
                    receive=self._worker.receive,
                    refused=self._worker.refusals.note,
                )
            except SessionLost as why:
                await _wait(lease, why, unreachable)
                continue
            unreachable.reset()
            opened_at = loop.time()
            ended = await self._until_lost(session)
            served_until = loop.time()
            if served_until - opened_at > _STEADY_SECONDS:
                unsteady.reset()
            await _wait(lease, ended, unsteady)
            if not await self._leases.still_hold(lease):
                return

    async def _until_lost(self, session: Session) -> SessionLost:
        log.info("session open", shard=session.shard, present_before=session.present_before)
        if not session.present_before:
            log.warning("the broker did not have this session before", shard=session.shard)
        self._open[session.shard] = session
        self._leases.renew_soon()  # so that SQL knows that the shard is served
        metrics.SESSIONS.inc()
        try:
            await asyncio.shield(session.lost)
        except SessionLost as why:
            return why
        finally:
            del self._open[session.shard]
            metrics.SESSIONS.dec()
            metrics.CONNECTIONS_LOST.inc()


async def _wait(lease: Lease, why: SessionLost, backoff: Backoff) -> None:
    seconds = backoff.next_seconds()
    log.warning("no session", shard=lease.shard, why=str(why), next_try_in=seconds)
    await asyncio.sleep(seconds)
