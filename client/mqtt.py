"""One MQTT connection, on aiomqtt: version 5 or 3.1.1, over TCP or WebSocket, with TLS or without.

What the rest of the client has to know of the library stands here: how it is opened and never left
behind half open, and what its errors mean.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, Self

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from .credential import Credential, websocket_of
from .timing import Timing
from .topics import announcement, presence

Version = Literal["5", "3.1.1"]
Transport = Literal["tcp", "websocket"]

_PROTOCOLS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
# Reason codes of MQTT 5.0, section 2.4; paho says those of 3.1.1 in the same words.
_SESSION_TAKEN_OVER = 0x8E
# Bad user name or password; not authorized; mosquitto's word to a client that was deleted.
_REFUSALS = {0x86, 0x87, 0x98}
_log = logging.getLogger("katydid.mqtt")
_log.setLevel(logging.ERROR)  # its warnings are of what is dealt with here


class Refused(Exception):
    """The broker does not take the credential, or what it asks for."""


class TakenOverNow(Exception):
    """Another connection with the same client id began."""


class Lost(Exception):
    """The connection is not there, or no longer."""


class Mqtt(aiomqtt.Client):
    """aiomqtt 2.5.1 leaves a socket open when the broker does not answer to CONNECT: the broker
    would read that CONNECT later, and push out the connection that we have by then."""

    async def abandon(self, entering: "asyncio.Future[Self]") -> None:
        """Not before the thread in which the socket is opened has opened it, or failed."""
        while not entering.done() and self._client.socket() is None:
            await asyncio.sleep(0.05)
        entering.cancel()
        await asyncio.wait({entering})
        self._client.disconnect()
        for _ in range(20):
            if self._client.socket() is None:
                return
            await asyncio.sleep(0.05)
        if (left := self._client.socket()) is not None:
            self._loop.remove_reader(left.fileno())
            left.close()

    async def listen_to(self, topics: str) -> bool:
        """Subscribe; answers whether the broker lets us. aiomqtt would wait for the answer of a
        connection that is lost already."""
        asking = asyncio.ensure_future(self.subscribe(topics, qos=1))
        either: set[asyncio.Future[Any]] = {asking, self._disconnected}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            asking.cancel()
            raise aiomqtt.MqttError("disconnected") from self._disconnected.exception()
        return not any(getattr(code, "is_failure", False) for code in asking.result())

    def forget(self) -> None:
        """What ended it is known; nobody needs to hear of an error that was never looked at."""
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()


def client_of(
    credential: Credential,
    connection: str,
    *,
    version: Version,
    transport: Transport,
    tls: ssl.SSLContext | None,
    timing: Timing,
) -> Mqtt:
    """A client that is not connected yet, and says by its Last Will when it is gone."""
    host, port, path, has_tls = credential.host, credential.port, None, credential.tls
    if transport == "websocket":
        host, port, path, has_tls = websocket_of(credential)
    will = aiomqtt.Will(
        presence(credential.send_topic), announcement(online=False, connection=connection), qos=1
    )
    client = Mqtt(
        host,
        port,
        username=credential.username,
        password=credential.password,
        identifier=credential.client_id,
        protocol=_PROTOCOLS[version],
        transport="websockets" if transport == "websocket" else "tcp",
        websocket_path=path,
        tls_context=(tls or ssl.create_default_context()) if has_tls else None,
        keepalive=timing.keepalive_seconds,
        timeout=timing.broker_seconds,
        will=will,
        # Else a short packet waits for the other side's acknowledgement of the last one, 40 ms.
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        logger=_log,
        # No session that the broker keeps: what was missed is in the archive.
        clean_session=True if version == "3.1.1" else None,
        clean_start=MQTT_CLEAN_START_FIRST_ONLY if version == "3.1.1" else True,
        properties=_no_session(version),
    )
    client.pending_calls_threshold = 1_000  # of which it only warns
    return client


@asynccontextmanager
async def connected(client: Mqtt) -> AsyncIterator[None]:
    """Connected inside, disconnected after. Raises Refused, TakenOverNow and Lost, also for what
    happens inside."""
    try:
        await _enter(client)
        try:
            yield
        finally:
            with suppress(aiomqtt.MqttError):
                await client.__aexit__(None, None, None)
            client.forget()
    except aiomqtt.MqttError as error:
        raise _meaning_of(error) from None
    except OSError as error:
        raise Lost(str(error) or type(error).__name__) from None


async def _enter(client: Mqtt) -> None:
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except BaseException:
        await client.abandon(entering)
        raise


def _meaning_of(error: BaseException) -> Exception:
    reason = getattr(error, "rc", None)
    if reason is None and error.__cause__ is not None:
        reason = getattr(error.__cause__, "rc", None)
    value = getattr(reason, "value", None)  # a plain number is paho's own error, not the broker's
    if isinstance(reason, int):
        value = None
    if value in _REFUSALS:
        return Refused(str(reason))
    if value == _SESSION_TAKEN_OVER:
        return TakenOverNow(str(reason))
    return Lost(str(error.__cause__ or error))


def _no_session(version: Version) -> Properties | None:
    if version == "3.1.1":
        return None
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    return properties
