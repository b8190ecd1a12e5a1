"""Keeps this device connected: connects, subscribes, says that it is online, hands on what comes
down, and comes back by itself with ever longer waits, until it is revoked or taken over for good.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import aiomqtt

from .credential import Credential
from .device import Device
from .errors import Problem, TakenOver, Unreachable
from .mqtt import Lost, Mqtt, Refused, TakenOverNow, connected
from .records import NOT_UNDERSTOOD
from .rivals import Rivals
from .timing import Timing, between_attempts
from .topics import announcement, kind_of, presence, up

# Our own old connection may be what pushes us out once; another program does so again and again.
_TAKEN_OVER_TIMES = 3
_TAKEN_OVER_SECONDS = 60.0
# A session that lasted for so many first pauses was a good one.
_LASTING = 5
# A site that is slow must not keep us from connecting again.
_LOOK_SECONDS = 2.0

MakeClient = Callable[[Credential, str], Mqtt]
log = logging.getLogger("katydid")


class Session:
    """One connection from its subscription to its end; `lost` is done when it has ended."""

    def __init__(
        self,
        client: aiomqtt.Client,
        credential: Credential,
        connection: str,
        *,
        on_end: Callable[[], None],
    ) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._on_end = on_end
        self._client = client
        self._send_topic = credential.send_topic
        self._connection = connection

    async def publish(self, to: str, verb: str, payload: bytes = b"", *, qos: int = 1) -> None:
        """Returns when the broker has it (QoS 1). Raises Lost, and then this connection ends."""
        await self._publish(up(self._send_topic, to, verb), payload, qos)

    async def announce(self, *, online: bool) -> None:
        """Say that this connection is there, or gone. Raises Lost."""
        said = announcement(online=online, connection=self._connection)
        await self._publish(presence(self._send_topic), said, 1)

    def end(self, problem: str) -> None:
        if not self.lost.done():
            self.lost.set_result(problem)
            self._on_end()

    async def _publish(self, topic: str, payload: bytes, qos: int) -> None:
        if self.lost.done():
            raise Lost(self.lost.result())
        publishing = asyncio.ensure_future(self._client.publish(topic, payload, qos=qos))
        either: set[asyncio.Future[Any]] = {publishing, self.lost}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not publishing.done():
                raise Lost(self.lost.result())
            publishing.result()
        except aiomqtt.MqttError as error:
            self.end(str(error))
            raise Lost(str(error)) from None
        finally:
            publishing.cancel()


class Connection:
    """`run` keeps it; `online` waits for it. Told are `on_news` (kind, content) and `on_status`
    (None when online, else what the matter is)."""

    def __init__(
        self,
        device: Device,
        make_client: MakeClient,
        timing: Timing,
        *,
        on_news: Callable[[str, Any], None],
        on_status: Callable[[str | None], None],
    ) -> None:
        self._device = device
        self._make_client = make_client
        self._timing = timing
        self._on_news = on_news
        self._on_status = on_status
        self._backoff = between_attempts(timing)
        self._taken_over_at: list[float] = []
        self._rivals = Rivals()
        self._has_stood = False
        self._session: asyncio.Future[Session] = asyncio.get_running_loop().create_future()

    @property
    def session(self) -> Session | None:
        """The connection, where it stands."""
        return self._session.result() if self._session.done() else None

    async def online(self) -> Session:
        """Wait for a connection that stands."""
        return await asyncio.shield(self._session)

    async def run(self) -> None:
        """Raises Revoked and TakenOver; else it goes on until it is cancelled."""
        while True:
            credential, began = self._device.credential, time.monotonic()
            self._has_stood = explained = False
            try:
                problem = await self._one_session(credential)
            except Refused as refused:
                explained, problem = True, f"the broker refuses the credential: {refused}"
                self._tell_offline(problem)
                await self._device.refused(credential)
            except TakenOverNow as taken_over:
                explained, problem = True, str(taken_over)
                self._count_take_over()
            except Lost as lost:
                problem = str(lost)
            self._tell_offline(problem)
            lasted_seconds = time.monotonic() - began
            # One that is pushed out again and again, and not told why, comes back ever later.
            if lasted_seconds > _LASTING * self._timing.first_pause_seconds:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_seconds())
            if self._has_stood and not explained and lasted_seconds < _TAKEN_OVER_SECONDS:
                await self._look_for_rivals()

    async def _one_session(self, credential: Credential) -> str:
        """From its beginning to its end; answers what ended it."""
        # Begins with the device's id, so that it ends with the device.
        name = f"{credential.device}-{uuid4().hex}"
        self._rivals.ours(name)
        client = self._make_client(credential, name)
        async with connected(client):
            if not await client.listen_to(credential.receive_filter):
                raise Refused("it does not let us subscribe")
            session = Session(client, credential, name, on_end=self._forget_session)
            tasks: list[asyncio.Future[Any]] = [
                asyncio.ensure_future(work)
                for work in (self._listen(client), self._stay_present(session))
            ]
            try:
                self._begin(session)
                await asyncio.wait([*tasks, session.lost], return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        await task  # with what it raises
                return session.lost.result() if session.lost.done() else "the connection ended"
            except asyncio.CancelledError:
                await self._leave(session)
                raise
            finally:
                session.end("the connection ended")
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, session: Session) -> None:
        self._has_stood = True
        self._session.set_result(session)
        self._on_status(None)

    def _forget_session(self) -> None:
        """At once, so that nobody is handed one that has ended."""
        self._session = asyncio.get_running_loop().create_future()

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload
            assert isinstance(payload, bytes | bytearray)
            try:
                self._on_news(kind_of(str(message.topic)), json.loads(payload))
            except NOT_UNDERSTOOD as error:
                log.warning("what came down is not understood: %s", type(error).__name__)

    async def _stay_present(self, session: Session) -> None:
        """Said again and again: a broker that was restarted has forgotten who was online."""
        while True:
            with suppress(Lost):
                await session.announce(online=True)
            await asyncio.sleep(self._timing.presence_seconds)

    async def _leave(self, session: Session) -> None:
        """A clean end has no Last Will, so it is said in plain words."""
        with suppress(Lost, TimeoutError):
            async with asyncio.timeout(1.0):
                await session.announce(online=False)

    def _tell_offline(self, problem: str) -> None:
        log.info("offline: %s", problem)
        self._on_status(problem)

    async def _look_for_rivals(self) -> None:
        """After a short connection that ended without a word, while whoever ended it is there."""
        with suppress(Unreachable, Problem, TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                names = await self._device.connections()
            if self._rivals.is_another_new(names):
                self._count_take_over()

    def _count_take_over(self) -> None:
        now = time.monotonic()
        recent = [at for at in self._taken_over_at if at > now - _TAKEN_OVER_SECONDS]
        self._taken_over_at = [*recent, now]
        if len(self._taken_over_at) >= _TAKEN_OVER_TIMES:
            raise TakenOver
