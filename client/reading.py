"""Reads the conversations' logs for one consumer: each record once, in the order of its
conversation, without a gap. What did not come live is fetched from the archive, a page at a time,
as fast as the consumer takes it, so that a year of messages needs no more memory than a day.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from .log import Log, Logs
from .records import Event, Message, Page
from .timing import Timing

_MOST_EVENTS = 1_000

# All above a `seq` of the conversation with a peer.
Fetch = Callable[[str, int], Awaitable[Page]]


class HowFar(Protocol):
    """Peer → the last `seq` that was dealt with."""

    def __getitem__(self, peer: str, /) -> int: ...
    def __setitem__(self, peer: str, seq: int, /) -> None: ...


class Reader:
    """`ready` shows what is next, `done` moves on."""

    def __init__(self, logs: Logs, positions: HowFar, fetch: Fetch, timing: Timing) -> None:
        self._logs = logs
        self._positions = positions
        self._fetch = fetch
        self._timing = timing
        self._fetched: dict[str, dict[int, Message]] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._last_peer = ""

    def ready(self) -> Message | None:
        """The next record of some conversation; None while there is none, or it is on its way. The
        same again until `done`."""
        for log in self._each_in_turn():
            seq = self._positions[log.peer] + 1
            if seq > log.newest:
                continue
            message = log.get(seq) or self._fetched.get(log.peer, {}).get(seq)
            if message is not None:
                return message
            self._fetch_soon(log)
        return None

    def done(self, peer: str, message: Message) -> None:
        """The record was dealt with; once more changes nothing."""
        self._last_peer = peer
        if message.seq > self._positions[peer]:
            self._positions[peer] = message.seq
        self._fetched.get(peer, {}).pop(message.seq, None)

    def fall_back(self, peer: str, seq: int) -> None:
        """The archive ends there, since it was put back as it was before."""
        if self._positions[peer] > seq:
            self._positions[peer] = seq
        self._fetched.pop(peer, None)

    def close(self) -> None:
        for task in self._fetching.values():
            task.cancel()

    def _each_in_turn(self) -> list[Log]:
        """That which was read last comes last, so that a busy one does not hide the others."""
        logs = list(self._logs)
        after = next((at for at, log in enumerate(logs, 1) if log.peer == self._last_peer), 0)
        return logs[after:] + logs[:after]

    def _fetch_soon(self, log: Log) -> None:
        if log.peer not in self._fetching:
            task = asyncio.ensure_future(self._fetch_page(log))
            self._fetching[log.peer] = task
            task.add_done_callback(lambda _: self._fetched_page(log.peer))

    async def _fetch_page(self, log: Log) -> None:
        await asyncio.sleep(self._timing.gap_seconds)
        after = self._positions[log.peer]
        if log.get(after + 1) is not None:
            return
        page = await self._fetch(log.peer, after)
        if not page.messages:  # nothing is kept any more of what was missed
            log.newest = after
        elif page.messages[0].seq > after + 1:  # nor of what came first
            self._positions[log.peer] = page.messages[0].seq - 1
        # A text that was changed meanwhile is followed by what changed it.
        self._fetched[log.peer] = {message.seq: message for message in page.messages}

    def _fetched_page(self, peer: str) -> None:
        del self._fetching[peer]
        self._logs.tell()


class FromNow(dict[str, int]):
    """Positions of somebody who wants what comes from now on."""

    def __init__(self, logs: Logs) -> None:
        super().__init__({log.peer: log.newest for log in logs})
        self._logs = logs

    def __missing__(self, peer: str) -> int:
        return self._logs.began(peer)


class Feed:
    """All that happens, for one consumer: records of the logs by a reader, and what is not kept
    anywhere, of which the oldest is dropped for a consumer that is too slow."""

    def __init__(self, logs: Logs, fetch: Fetch, timing: Timing) -> None:
        self.reader = Reader(logs, FromNow(logs), fetch, timing)
        self._others: deque[Event] = deque(maxlen=_MOST_EVENTS)

    def add(self, event: Event) -> None:
        self._others.append(event)

    def ready(self) -> Event | None:
        return self._others.popleft() if self._others else self.reader.ready()
