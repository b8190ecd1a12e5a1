"""A wire that can be cut: a TCP proxy between two parts, which passes on all it is given, until it
is told to cut, to fall silent, or to take its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK_BYTES = 65_536


class Proxy:
    """Listens at `port` of the loopback and connects whoever comes with `target`, a port too."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self._delay_seconds = 0.0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Nobody is let in any more, and who is connected is cut off."""
        if self._server is not None:
            self._server.close()
        self._end_connections()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """While it lasts, who comes is thrown out at once, and who was there has been. The port
        stays ours: another program would take it."""
        self._is_cut = True
        self._end_connections()
        try:
            yield
        finally:
            self._is_cut = False

    @asynccontextmanager
    async def silence(self) -> AsyncIterator[None]:
        """While it lasts, nothing passes and nobody hears why; then it goes on where it was."""
        self._may_pass.clear()
        try:
            yield
        finally:
            self._may_pass.set()

    @asynccontextmanager
    async def delay(self, seconds: float) -> AsyncIterator[None]:
        """While it lasts, everything comes so much later."""
        self._delay_seconds = seconds
        try:
            yield
        finally:
            self._delay_seconds = 0.0

    def _end_connections(self) -> None:
        for connection in list(self._connections):
            connection.cancel()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        ends = [writer]
        try:
            # Whoever connects in a silence has to wait: its wire leads nowhere.
            await self._may_pass.wait()
            if not self._is_cut:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
                ends.append(far_writer)
                await self._pass_both_ways((reader, far_writer), (far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass  # one side is not there, or the wire was cut
        finally:
            for end in ends:
                end.transport.abort()
            self._connections.discard(task)

    async def _pass_both_ways(
        self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        """Until one side ends: then both do, once the last words of it have been passed on."""
        passing = [asyncio.create_task(self._pass(*way)) for way in ways]
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
        finally:
            for each in passing:
                each.cancel()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                await self._may_pass.wait()
                writer.write(chunk)
                await writer.drain()
            writer.write_eof()
