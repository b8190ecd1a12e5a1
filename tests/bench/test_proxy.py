"""A wire that can be cut, be silent and be slow."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench.chaos.proxy import Proxy
from cli.free_ports import free_ports

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def wire_to_an_echo() -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(100):
            writer.write(said)
        writer.close()

    port, target = free_ports(2)
    server = await asyncio.start_server(echo, "127.0.0.1", target)
    wire = Proxy(port, target)
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()
        server.close()


async def connected(wire: Proxy) -> Connection:
    return await asyncio.open_connection("127.0.0.1", wire.port)


async def answer(connection: Connection, said: bytes = b"hello") -> bytes:
    reader, writer = connection
    writer.write(said)
    return await asyncio.wait_for(reader.read(100), 10)


async def has_ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(100), 10) == b""
    except ConnectionError:
        return True


def on_a_wire(test: Callable[[Proxy], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def everything() -> None:
            async with wire_to_an_echo() as wire:
                await test(wire)

        asyncio.run(everything())

    run.__name__ = test.__name__
    return run


@on_a_wire
async def test_what_is_given_is_passed_on(wire: Proxy) -> None:
    assert await answer(await connected(wire)) == b"hello"


@on_a_wire
async def test_a_cut_ends_all_connections_and_lets_nobody_in_until_it_is_over(wire: Proxy) -> None:
    reader, _ = before = await connected(wire)
    await answer(before)

    async with wire.cut():
        assert await has_ended(reader)
        assert await has_ended((await connected(wire))[0])

    assert await answer(await connected(wire)) == b"hello"


@on_a_wire
async def test_after_a_silence_everything_comes_that_was_said(wire: Proxy) -> None:
    reader, writer = before = await connected(wire)
    await answer(before)

    async with wire.silence():
        writer.write(b"are you there?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(100), 0.3)

    assert await asyncio.wait_for(reader.read(100), 10) == b"are you there?"


@on_a_wire
async def test_a_delay_holds_everything_back_for_so_long(wire: Proxy) -> None:
    connection = await connected(wire)
    await answer(connection)

    async with wire.delay(0.2):
        began = time.monotonic()
        await answer(connection)

    assert time.monotonic() - began >= 0.4  # there and back
