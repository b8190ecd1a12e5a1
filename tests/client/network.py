"""A network between the client and the server, to be cut and frozen: one TCP port for another.

Runs in a thread of its own, so that it goes on whatever the test's own loop does.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from cli.free_ports import free_ports


class Network:
    """`port` leads to the port `to` of this machine, as long as nothing is in the way."""

    def __init__(self, to: int, *, port: int | None = None) -> None:
        self.port = port or free_ports(1)[0]
        self._to = to
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._flows = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.restore()

    def cut(self) -> None:
        """All connections end, and none can be made."""
        self._do(self._cut())

    def freeze(self) -> None:
        """Connections stand and can be made, and nothing gets through."""
        self._do(self._freeze())

    def restore(self) -> None:
        self._do(self._restore())

    def stop(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _freeze(self) -> None:
        self._flows.clear()

    async def _restore(self) -> None:
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.add(back)
            await asyncio.gather(self._flow(reader, back), self._flow(there, writer))
            self._writers.discard(back)
        writer.close()
        self._writers.discard(writer)

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await reader.read(65_536):
                await self._flows.wait()
                writer.write(some)
                await writer.drain()
        writer.close()
