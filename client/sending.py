"""What becomes of a message in the outbox: sent, one at a time in each conversation, and sent again
until it comes back with its `seq`.

A lost network is no failure, and no answer is none either. Only a refusal is; and where an earlier
attempt may have arrived, the archive is asked before anybody hears of it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from .connection import Connection, Session
from .errors import KatydidError, NotSent, not_sent
from .mqtt import Lost
from .outbox import Outbox
from .records import Message, Outgoing
from .timing import Backoff, Timing
from .topics import payload_of

log = logging.getLogger("katydid")


class _RateLimited(Exception):
    """More than the server allows just now; it is sent again later."""


# Looks an outgoing message up in the archive.
Find = Callable[[Outgoing], Awaitable[Message | None]]


class Sending:
    """`send` answers with the archived record. What lies in the outbox at the start goes first."""

    def __init__(
        self,
        outbox: Outbox,
        connection: Connection,
        find: Find,
        timing: Timing,
        *,
        on_rejected: Callable[[Outgoing, NotSent], None],
        on_broken: Callable[[KatydidError], None],
    ) -> None:
        self._outbox = outbox
        self._connection = connection
        self._find = find
        self._timing = timing
        self._on_rejected = on_rejected
        self._on_broken = on_broken
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._outcomes: dict[str, asyncio.Future[Message]] = {}
        # What was sent and not answered: it may be archived already.
        self._maybe_archived: set[str] = set()

    def resume(self) -> None:
        """Send what an earlier run left."""
        for outgoing in self._outbox.all():
            self._maybe_archived.add(outgoing.id)
            self._keep_lane(outgoing.peer)

    async def send(self, outgoing: Outgoing) -> Message:
        """The record, once it is archived. Whoever stops waiting does not stop the sending. Raises
        NotSent."""
        outcome: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._outcomes[outgoing.id] = outcome
        self._keep_lane(outgoing.peer)
        try:
            return await outcome
        finally:
            self._outcomes.pop(outgoing.id, None)

    def came_back(self, message: Message) -> None:
        """One's own record came down."""
        answer = self._answers.get(message.id)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def was_refused(self, error: dict[str, Any]) -> None:
        """An `error` came down."""
        answer = self._answers.get(error["id"] or "")
        if answer is None or answer.done():
            return
        if error["reason"] == "rate-limited":
            answer.set_exception(_RateLimited())
        else:
            answer.set_exception(not_sent(error["reason"], error["to"], error["detail"]))

    def close(self) -> None:
        for lane in list(self._lanes.values()):
            lane.cancel()

    def _keep_lane(self, peer: str) -> None:
        if peer not in self._lanes:
            self._lanes[peer] = asyncio.ensure_future(self._send_all(peer))

    async def _send_all(self, peer: str) -> None:
        """In the order of writing, until nothing is left. Nobody else runs between the last look
        and the end, so what is added later begins a new lane."""
        try:
            await self._send_each(peer)
        except KatydidError as error:
            self._on_broken(error)
        finally:
            self._lanes.pop(peer, None)

    async def _send_each(self, peer: str) -> None:
        while (outgoing := self._outbox.first(peer)) is not None:
            try:
                record = await self._until_archived(outgoing)
            except NotSent as refusal:
                self._outbox.remove(outgoing.id)
                self._reject(outgoing, refusal)
            else:
                self._outbox.remove(outgoing.id)
                self._settle(outgoing, record)
            self._maybe_archived.discard(outgoing.id)

    async def _until_archived(self, outgoing: Outgoing) -> Message:
        patience = Backoff(
            first_seconds=self._timing.answer_seconds,
            longest_seconds=self._timing.longest_answer_seconds,
        )
        slow_down = Backoff(
            first_seconds=self._timing.slow_down_seconds,
            longest_seconds=self._timing.longest_pause_seconds,
        )
        try:
            while True:
                session = await self._connection.online()
                answer = self._awaited(outgoing.id)
                try:
                    await self._publish(session, outgoing)
                    waiting: set[asyncio.Future[Any]] = {answer, session.lost}
                    seconds = patience.next_seconds()
                    await asyncio.wait(
                        waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                    )
                    if answer.done():
                        return answer.result()
                    log.info("no answer to a message yet; it is sent again")
                except Lost:
                    pass
                except _RateLimited:
                    await asyncio.sleep(slow_down.next_seconds())
                except NotSent:
                    if outgoing.id not in self._maybe_archived:
                        raise
                    if (found := await self._find(outgoing)) is None:
                        raise
                    return found
                self._maybe_archived.add(outgoing.id)
        finally:
            self._answers.pop(outgoing.id, None)

    def _awaited(self, id: str) -> asyncio.Future[Message]:
        """The answer to it, which may have come while nobody waited."""
        answer = self._answers.get(id)
        if answer is None or (answer.done() and answer.exception() is not None):
            answer = asyncio.get_running_loop().create_future()
            self._answers[id] = answer
        return answer

    async def _publish(self, session: Session, outgoing: Outgoing) -> None:
        answer = self._answers[outgoing.id]
        if not answer.done():
            await session.publish(outgoing.peer, outgoing.verb, payload_of(outgoing))

    def _settle(self, outgoing: Outgoing, record: Message) -> None:
        outcome = self._outcomes.get(outgoing.id)
        if outcome is not None and not outcome.done():
            outcome.set_result(record)

    def _reject(self, outgoing: Outgoing, refusal: NotSent) -> None:
        outcome = self._outcomes.get(outgoing.id)
        if outcome is not None and not outcome.done():
            outcome.set_exception(refusal)
        else:
            self._on_rejected(outgoing, refusal)
