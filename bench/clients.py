"""`python -m bench.clients`: thousands of connected clients, and a broker killed under them.

Light clients that follow the protocol (`bench/light.py`), all in one process, in pairs, of which
some write; then parts of the broker are killed with `kill -9`. Printed is how long it takes until
all are connected again, until all have fetched what they missed, and what of the archive anybody
has not seen.
"""

import argparse
import asyncio
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import httpx
from sqlalchemy import text

from bench.installation import Installation
from bench.light import LightClient, Site
from bench.processes import cpu_seconds, signal_all, tree
from bench.systems import CLUSTER, SQLITE, Katydid, katydid
from chat.database import Database
from chat.errors import KatydidError
from cli.terminal import say

_WITHIN_SECONDS = 600.0
_TELL_EVERY_SECONDS = 10.0
_AT_ONCE = 200  # who log in at one time at the beginning
_HTTP_CONNECTIONS = 16
_MORE_FILES = 500
_ARCHIVE = """
SELECT account.name, message.conversation_id, message.seq, message.body
FROM message JOIN account ON account.id = message.sender_id
ORDER BY message.conversation_id, message.seq
"""


class TooFewFiles(KatydidError):
    """This process may not have so many connections."""


def main() -> int:
    """Exit status: 0 when nothing is missing."""
    given = _parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a way out through every `finally`
    _allow_files(given.clients + _MORE_FILES)
    with ExitStack() as ended:
        name = CLUSTER if given.broker == "cluster" else SQLITE
        running = ended.enter_context(katydid(name, given.clients))
        kills = given.kill or (["rabbitmq-1"] if given.broker == "cluster" else ["broker"])
        return asyncio.run(_measure(running, kills, given))


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.clients", description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--senders", type=int, default=200, help="how many of them write")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between their texts")
    parser.add_argument("--broker", choices=("mosquitto", "cluster"), default="mosquitto")
    parser.add_argument("--kill", nargs="+", metavar="PART", help="broker, or rabbitmq-1 …")
    return parser.parse_args()


def _allow_files(number: int) -> None:
    may_have, may_ask_for = resource.getrlimit(resource.RLIMIT_NOFILE)
    if may_ask_for != resource.RLIM_INFINITY and may_ask_for < number:
        raise TooFewFiles(f"{number} open files are needed, and `ulimit -Hn` allows {may_ask_for}.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(number, may_have), may_ask_for))


# What they do.


async def _measure(system: Katydid, kills: Sequence[str], given: argparse.Namespace) -> int:
    installation, database = system.installation, system.database
    async with httpx.AsyncClient(base_url=installation.url, timeout=60) as client:
        site = Site(client, at_once=_HTTP_CONNECTIONS)
        clients = [LightClient(person, site) for person in system.people]
        running: list[asyncio.Task[None]] = []
        began = time.monotonic()
        for first in range(0, len(clients), _AT_ONCE):
            some = clients[first : first + _AT_ONCE]
            running += [asyncio.create_task(client.run()) for client in some]
            await _until_all("have caught up", some, _has_caught_up)
        print(f"{len(clients):,} clients connected within {time.monotonic() - began:.1f} s")
        enough = asyncio.Event()
        pairs = list(zip(clients[::2], clients[1::2], strict=False))
        sending = [
            asyncio.create_task(client.send_all(peer.person.account, given.every, enough))
            for client, peer in pairs[: given.senders]
        ]
        await asyncio.sleep(3 * given.every)
        await _kill(installation, clients, kills)
        await asyncio.sleep(3 * given.every)
        enough.set()
        await asyncio.gather(*sending)
        await asyncio.sleep(2)  # the last copies to the receivers
        missing = _missing(clients, database)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    sent = sum(len(client.sent) for client in clients)
    print(f"{sent:,} messages: {missing or 'nothing missing, doubled or out of order'}")
    return 1 if missing else 0


async def _kill(
    installation: Installation, clients: Sequence[LightClient], kills: Sequence[str]
) -> None:
    own, parts = time.process_time(), installation.parts
    before = {name: cpu_seconds(pid) for name, pid in parts.items()}
    at = time.monotonic()
    for part in kills:
        signal_all(list(tree(parts[part])), signal.SIGKILL)
    lost = {client for client in clients if client.is_online}
    await asyncio.sleep(1)
    lost = {client for client in lost if not client.is_online or (client.is_back_at or 0) > at}
    await _until_all("are connected", clients, lambda client: client.is_online)
    back = max(client.is_back_at or 0 for client in clients) - at
    await _until_all("have caught up", clients, _has_caught_up)
    caught_up = max(client.caught_up_at or 0 for client in clients) - at
    print(
        f"{', '.join(kills)} killed under {len(lost):,} connections: all connected again after"
        f" {back:.1f} s, all caught up after {caught_up:.1f} s"
    )
    used = {
        name: cpu_seconds(pid) - before.get(name, 0.0) * (pid == parts.get(name))
        for name, pid in installation.parts.items()
    }
    used["clients"] = time.process_time() - own
    print("CPU seconds: " + ", ".join(f"{name} {used[name]:.1f}" for name in sorted(used)))


async def _until_all(
    what: str, clients: Sequence[LightClient], is_so: Callable[[LightClient], object]
) -> None:
    """Tells now and then how many it is true of. Raises TimeoutError."""
    began = told = time.monotonic()
    while (number := sum(map(bool, map(is_so, clients)))) < len(clients):
        now = time.monotonic()
        if now > began + _WITHIN_SECONDS:
            raise TimeoutError(f"after {_WITHIN_SECONDS:.0f} s, {number:,} clients {what}")
        if now > told + _TELL_EVERY_SECONDS:
            say(f"{now - began:.0f} s: {number:,} clients {what}")
            told = now
        await asyncio.sleep(0.2)


def _has_caught_up(client: LightClient) -> object:
    return client.caught_up_at


def _missing(clients: Sequence[LightClient], database: Database) -> str:
    """What is wrong, in words; nothing when all is as it should be."""
    with database.reading() as session:
        rows = session.connection().execute(text(_ARCHIVE)).all()
    archived: dict[str, list[str]] = {client.person.account: [] for client in clients}
    conversations: dict[int, dict[int, str]] = {}
    for sender, conversation, seq, body in rows:
        archived[sender].append(body)
        conversations.setdefault(conversation, {})[seq] = body
    wrong = Counter[str]()
    for client in clients:
        if archived[client.person.account] != client.sent:
            wrong["senders whose texts are not archived once and in order"] += 1
        for seen in client.seen.values():
            if seen and seen not in conversations.values():
                wrong["clients that are shown something else than is archived"] += 1
    shown = sum(len(seen) for client in clients for seen in client.seen.values())
    if shown != 2 * len(rows):
        wrong[f"shown {shown} of {2 * len(rows)}"] += 1
    return ", ".join(f"{number} {what}" for what, number in wrong.items())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KatydidError as error:
        say(str(error))
        sys.exit(1)
