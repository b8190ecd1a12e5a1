"""Tells how far this account has received and read. Cursors move forward only, the newest says it
for all before, and what was said while the network was away is said when it is back.
"""

import asyncio
from collections.abc import Iterable

from .connection import Connection
from .mqtt import Lost
from .records import Conversation
from .topics import cursor

_COLLECT_SECONDS = 0.05


class Receipts:
    """`run` says what `delivered` and `read` were told."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reached: dict[tuple[str, str], int] = {}  # verb and peer → seq
        self._known: dict[tuple[str, str], int] = {}  # what the server knows
        self._changed = asyncio.Event()

    def delivered(self, peer: str, seq: int) -> None:
        self._reach("delivered", peer, seq)

    def read(self, peer: str, seq: int) -> None:
        self._reach("read", peer, seq)

    def learn(self, listed: Iterable[Conversation]) -> None:
        """After a new connection: what was said on the last one may not have arrived."""
        for each in listed:
            self._known["delivered", each.peer] = each.delivered
            self._known["read", each.peer] = each.read
        self._changed.set()

    async def run(self) -> None:
        """Messages that come together are answered together."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(_COLLECT_SECONDS)
            self._changed.clear()
            for (verb, peer), seq in list(self._reached.items()):
                if seq > self._known.get((verb, peer), 0):
                    await self._say(verb, peer, seq)

    async def flush(self, session_seconds: float) -> None:
        """What was reached in the last moment, before the connection ends."""
        session = self._connection.session
        if session is None:
            return
        try:
            async with asyncio.timeout(session_seconds):
                for (verb, peer), seq in list(self._reached.items()):
                    if seq > self._known.get((verb, peer), 0):
                        await self._say(verb, peer, seq)
        except TimeoutError:
            return

    async def _say(self, verb: str, peer: str, seq: int) -> None:
        session = await self._connection.online()
        try:
            await session.publish(peer, verb, cursor(seq))
        except Lost:
            self._changed.set()
        else:
            self._known[verb, peer] = max(seq, self._known.get((verb, peer), 0))

    def _reach(self, verb: str, peer: str, seq: int) -> None:
        if seq > self._reached.get((verb, peer), 0):
            self._reached[verb, peer] = seq
            self._changed.set()
