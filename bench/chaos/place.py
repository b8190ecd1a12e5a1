"""Where a run takes place: a private installation with a wire in every way that its parts and its
people go, on a small disk of its own where one can be had."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from shutil import rmtree

import httpx
from sqlalchemy import text

from bench.chaos.disk import Disk, NoDisk, small_disk
from bench.chaos.kept import Kept
from bench.chaos.layout import (
    CLUSTER,
    MOSQUITTO,
    NEWER_MOSQUITTO,
    PEOPLE_WEB,
    POSTGRESQL,
    SQLITE,
    Layout,
    child_environ,
    layout,
)
from bench.chaos.proxy import Proxy
from bench.chaos.verdict import Row
from bench.installation import Installation
from bench.processes import tree
from chat.database import Database
from cli.cluster.debian_root import cache_folder
from cli.cluster.newer_mosquitto import bring_newer_mosquitto
from cli.supervision import python
from cli.terminal import say

# Of memory, which is used as far as the disk is. RabbitMQ stops at its last 500 MB.
_DISK_MEGABYTES = {
    (MOSQUITTO, SQLITE): 96,
    (MOSQUITTO, POSTGRESQL): 320,
    (NEWER_MOSQUITTO, SQLITE): 96,
    (NEWER_MOSQUITTO, POSTGRESQL): 320,
    (CLUSTER, POSTGRESQL): 1_600,
}
_WELL_WITHIN_SECONDS = 120.0
_ARCHIVE = """
SELECT message.conversation_id, message.seq, account.name, message.body
FROM message JOIN account ON account.id = message.sender_id
ORDER BY message.conversation_id, message.seq
"""


class NotWellAgain(TimeoutError):
    """The faults are over, and the installation still is not what it was."""


class Place:
    """A running installation; made by `place`. `wires` by their names; `disk` is None where none
    that can be filled could be had."""

    def __init__(
        self,
        where: Layout,
        *,
        installation: Installation,
        wires: Mapping[str, Proxy],
        disk: Disk | None,
        postgres: Kept | None,
    ) -> None:
        self.parts, self.wires, self.disk = where.parts, wires, disk
        self.own_url = installation.url
        self.url = f"http://127.0.0.1:{wires[PEOPLE_WEB].port}"
        self.logs = next(installation.home.glob("**/logs"))
        self._installation, self._postgres = installation, postgres
        self._database = Database(where.postgres.url()) if where.postgres else installation.database

    def pids(self, part: str) -> Sequence[int]:
        """The part's process with all that it started; none while it does not run."""
        if part == "postgres" and self._postgres is not None:
            pid = self._postgres.pid
        else:
            pid = self._installation.parts.get(part)
        return list(tree(pid)) if pid else []

    async def until_well(self) -> None:
        """Until the site says so, asked by no wire. Raises NotWellAgain."""
        deadline = time.monotonic() + _WELL_WITHIN_SECONDS
        while (problem := await asyncio.to_thread(_health_problem, self.own_url)) is not None:
            if time.monotonic() > deadline:
                raise NotWellAgain(f"after {_WELL_WITHIN_SECONDS:.0f} s, {problem}")
            await asyncio.sleep(0.2)

    def archive(self) -> Sequence[Row]:
        """All messages that SQL has, asked by no wire."""
        with self._database.reading() as session:
            rows = session.connection().execute(text(_ARCHIVE)).all()
        return [Row(conversation=row[0], seq=row[1], sender=row[2], text=row[3]) for row in rows]


def _health_problem(url: str) -> str | None:
    """What the site says is not well; None when all is."""
    try:
        answer = httpx.get(f"{url}/healthz", timeout=10)
    except httpx.HTTPError as error:
        return f"the site does not answer: {error or type(error).__name__}"
    return None if answer.status_code == httpx.codes.OK else f"the site says {answer.text.strip()}"


@asynccontextmanager
async def place(broker: str, database: str, folder: Path) -> AsyncIterator[Place]:
    """A private installation in that folder, where anybody may go through; all of it ends with the
    block."""
    home = folder / "home"
    async with AsyncExitStack() as ended:
        disk = ended.enter_context(_disk_or_folder(home, _DISK_MEGABYTES[broker, database]))
        where = await asyncio.to_thread(layout, broker, database, home)
        postgres = None
        if where.postgres is not None:
            ended.callback(rmtree, where.postgres.folder, ignore_errors=True)
        if where.has_postgres_of_ours:
            postgres = await ended.enter_async_context(_own_postgres(where, folder))
        wires = {
            name: await ended.enter_async_context(_open(Proxy(wire.port, wire.target)))
            for name, wire in where.wires.items()
        }
        installation = _installation(where, folder, home)
        ended.push_async_callback(asyncio.to_thread, installation.close)
        installation.start()
        await asyncio.to_thread(installation.wait_until_ready)
        yield Place(where, installation=installation, wires=wires, disk=disk, postgres=postgres)


@contextmanager
def _disk_or_folder(home: Path, megabytes: int) -> Iterator[Disk | None]:
    with ExitStack() as ended:
        disk: Disk | None = None
        try:
            disk = ended.enter_context(small_disk(home, megabytes=megabytes))
        except NoDisk as problem:
            say(f"no disk will be full: {problem}")
            home.mkdir(exist_ok=True)
            home.chmod(0o711)
        yield disk


@asynccontextmanager
async def _own_postgres(where: Layout, folder: Path) -> AsyncIterator[Kept]:
    assert where.postgres is not None
    await asyncio.to_thread(where.postgres.prepare)
    kept = Kept(where.postgres.command(), child_environ(), folder / "postgres.output")
    await kept.start()
    try:
        await asyncio.to_thread(where.postgres.wait_until_ready)
        yield kept
    finally:
        await kept.stop(signal.SIGINT)


@asynccontextmanager
async def _open(wire: Proxy) -> AsyncIterator[Proxy]:
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()


def _installation(where: Layout, folder: Path, home: Path) -> Installation:
    wires = folder / "wires.json"
    where.ways.save(wires)
    environ = dict(where.environ)
    if where.broker == NEWER_MOSQUITTO:
        programs = folder / "programs"
        bring_newer_mosquitto(cache_folder(), programs)
        environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    if where.has_postgres_of_ours:
        assert where.postgres is not None
        environ["KATYDID_DATABASE_URL"] = where.postgres.url(port=where.ways.database_port)
    return Installation(home, environ, command=python("bench.chaos.up", str(wires)))
