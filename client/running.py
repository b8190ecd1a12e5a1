"""A chat that is open: its parts, what each tells the others, and what ends it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar
from weakref import WeakSet

from .archive import Archive
from .connection import Connection, MakeClient
from .device import Device
from .errors import KatydidError, NotSent
from .log import Logs
from .outbox import Outbox
from .positions import Positions
from .reading import Feed, Reader
from .receipts import Receipts
from .records import (
    Conversation,
    Event,
    Message,
    Offline,
    Online,
    Outgoing,
    Presence,
    Receipt,
    Rejected,
    Typing,
)
from .sending import Sending
from .timing import Timing

T = TypeVar("T")
_OTHERS: dict[str, Callable[[Any], Event]] = {
    "receipt": Receipt.from_wire,
    "typing": Typing.from_wire,
    "presence": Presence.from_wire,
}
_FLUSH_SECONDS = 1.0
log = logging.getLogger("katydid")


class Running:
    """Begins when it is made; `close` ends it. `listed` are the conversations, where a login has
    just asked for them."""

    def __init__(
        self,
        account: str,
        *,
        archive: Archive,
        device: Device,
        outbox: Outbox,
        positions: Positions,
        listed: Iterable[Conversation] | None,
        make_client: MakeClient,
        timing: Timing,
    ) -> None:
        self.outbox = outbox
        self._account = account
        self._archive = archive
        self._positions = positions
        self._timing = timing
        self._logs = Logs(account)
        if listed is not None:
            self._logs.learn(listed)
        self._reader = Reader(self._logs, positions, archive.above, timing)
        self._feeds: WeakSet[Feed] = WeakSet()
        self.connection = Connection(
            device, make_client, timing, on_news=self._take, on_status=self._status
        )
        self.receipts = Receipts(self.connection)
        self._sending = Sending(
            outbox,
            self.connection,
            archive.find,
            timing,
            on_rejected=self._rejected,
            on_broken=self._end,
        )
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._catching_up: asyncio.Task[None] | None = None
        self._tasks = [
            asyncio.ensure_future(work) for work in (self._keep_connected(), self.receipts.run())
        ]
        self._sending.resume()

    async def close(self) -> None:
        """What was read is said, and the broker told, if that is possible just now."""
        self._sending.close()
        await self.receipts.flush(_FLUSH_SECONDS)
        self._reader.close()
        for feed in list(self._feeds):
            feed.reader.close()
        tasks = [*self._tasks, *([self._catching_up] if self._catching_up else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def post(self, peer: str, verb: str, **content: Any) -> Message:
        """The archived record of what is put into the outbox now."""
        newest = max(self._logs.newest(peer), self._positions[peer])
        outgoing = self.outbox.add(peer, verb, after_seq=newest, **content)
        return await self.wait_for(self._sending.send(outgoing))

    async def texts(self, *, own: bool) -> AsyncIterator[Message]:
        """One's own where they are wanted; a text is done when the next one is asked for."""
        while True:
            message = await self.wait_for(_first(self._reader.ready, self._logs))
            if message.is_text and message.unsent_at is None:
                self._say_delivered(message)
                if own or message.sender != self._account:
                    yield message
            self.seen(message)

    def seen(self, message: Message) -> None:
        self._reader.done(message.peer_of(self._account), message)

    def events(self) -> AsyncIterator[Event]:
        """From now on, and not from when they are first asked for."""
        feed = Feed(self._logs, self._archive.above, self._timing)
        self._feeds.add(feed)
        return self._events_of(feed)

    async def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """What it answers. Raises what has ended the chat, if anything does."""
        waiting = asyncio.ensure_future(work)
        either: set[asyncio.Future[Any]] = {waiting, self._ended}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                self._ended.result()
            return waiting.result()
        finally:
            waiting.cancel()

    async def _events_of(self, feed: Feed) -> AsyncIterator[Event]:
        try:
            while True:
                event: Event = await self.wait_for(_first(feed.ready, self._logs))
                if isinstance(event, Message):
                    feed.reader.done(event.peer_of(self._account), event)
                    self._say_delivered(event)
                yield event
        finally:
            feed.reader.close()
            self._feeds.discard(feed)

    async def _keep_connected(self) -> None:
        try:
            await self.connection.run()
        except KatydidError as error:
            self._end(error)

    def _end(self, error: KatydidError) -> None:
        """It cannot go on, and all who wait for something hear why."""
        if not self._ended.done():
            self._ended.set_exception(error)
            self._ended.exception()  # it is no mistake if nobody waits

    def _take(self, kind: str, content: Any) -> None:
        if kind == "message":
            message = Message.from_wire(content)
            self._logs.take(message)
            if message.sender == self._account:
                self._sending.came_back(message)
        elif kind == "error":
            self._sending.was_refused(content)
        elif kind in _OTHERS:
            self._tell(_OTHERS[kind](content))

    def _status(self, problem: str | None) -> None:
        self._tell(Online() if problem is None else Offline(problem))
        if self._catching_up is not None:
            self._catching_up.cancel()
        if problem is None:
            self._catching_up = asyncio.ensure_future(self._catch_up())

    async def _catch_up(self) -> None:
        """Learn how far the conversations have gone; whoever reads them fetches the rest."""
        knew = self._positions.all() | {log.peer: log.newest for log in self._logs}
        try:
            listed = await self._archive.conversations()
        except KatydidError as error:
            self._end(error)
        else:
            self._fall_back(knew, {each.peer: each.last_seq for each in listed})
            self._logs.learn(listed)
            self.receipts.learn(listed)

    def _fall_back(self, knew: Mapping[str, int], listed: Mapping[str, int]) -> None:
        """Where more was known than the archive has, it was put back as it was before."""
        for peer, seq in knew.items():
            if seq > (last_seq := listed.get(peer, 0)):
                self._logs.fall_back(peer, last_seq)
                for reader in (self._reader, *(feed.reader for feed in self._feeds)):
                    reader.fall_back(peer, last_seq)

    def _rejected(self, outgoing: Outgoing, refusal: NotSent) -> None:
        log.warning("a message of an earlier run is not archived: %s", refusal.detail)
        self._tell(Rejected(outgoing, refusal.detail))

    def _tell(self, event: Event) -> None:
        for feed in list(self._feeds):
            feed.add(event)
        self._logs.tell()

    def _say_delivered(self, message: Message) -> None:
        if message.sender != self._account:
            self.receipts.delivered(message.sender, message.seq)


async def _first(ready: Callable[[], T | None], logs: Logs) -> T:
    """What is ready, once something is."""
    while (found := ready()) is None:
        await logs.changed()
    return found
