"""`python -m bridge`: reads the settings and serves its shards until SIGTERM or SIGINT."""

import asyncio
import gc
import os
import secrets as random
import signal
import socket
import sys

import structlog

from bridge.leases import Leases
from bridge.serving import Serving
from bridge.worker import Worker
from chat.database import Database
from chat.errors import KatydidError
from chat.logs import configure_logs
from chat.secrets import load_secrets
from chat.settings import Settings, settings_from

log = structlog.get_logger()


def main() -> int:
    """Exit status: 0 after a signal, 2 when a setting or a secret is wrong."""
    configure_logs("bridge")
    try:
        settings = settings_from(os.environ)
        load_secrets(settings)  # which says so where one is missing
    except KatydidError as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 2
    # What is there by now stays to the end: to look through all of it for what is no longer needed
    # took 60 ms each time, in which no message moved (November 2026, 2 cores).
    gc.freeze()
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    name = f"{settings.bridge_name or _new_name()}/{random.token_hex(4)}"
    database = Database(settings.database_url)
    worker = Worker(settings, database)
    leases = Leases(database, worker, name=name, shards=settings.shards_served)
    serving = Serving(settings, worker, leases)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    log.info("the bridge begins", worker=name, shards=list(settings.shards_served))
    working, served = asyncio.create_task(worker.run()), asyncio.create_task(serving.run())
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([working, served, waiting], return_when=asyncio.FIRST_COMPLETED)
    outcomes: list[object] = []
    for task in (served, working, waiting):  # the worker is needed while the serving ends
        task.cancel()
        outcomes += await asyncio.gather(task, return_exceptions=True)
    worker.close()
    database.close()
    log.info("the bridge ends", worker=name)
    for outcome in outcomes:  # a mistake of ours must be seen, and the bridge started anew
        if isinstance(outcome, Exception):
            raise outcome


def _new_name() -> str:
    """What a bridge is called that was given no name."""
    return f"{socket.gethostname()[:32]}-{os.getpid()}"


if __name__ == "__main__":
    sys.exit(main())
