"""A program that is killed between any two steps of a send: in its first lives at each moment that
it is told, then before the first step, in the next life before the second, and so on, until a life
sees the send through.

A step is a call of a function of the client's that takes part in sending, or its return; they are
counted from here, so nothing in the client knows of it. Each life is a process of its own (forked,
since starting Python takes longer than a send) and goes on with the folder of the last one.
Prints for each life: where it ended, and which texts were on disk then.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, count
from pathlib import Path
from types import FrameType

from client import Katydid
from client import connection as _connection
from tests.client.serving import QUICK

_FOLDER = Path(_connection.__file__).parent
STEPS_IN = {str(_FOLDER / name) for name in ("sending.py", "outbox.py", "connection.py")}


def main(url: str, account: str, folder: str, peer: str, *moments: str) -> None:
    """Lives until one that is to be killed by its steps is not."""
    asyncio.run(look_in(url, account, folder))
    for life, (is_it, is_last_chance) in enumerate(deaths(moments), start=1):
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.close(reading)
            asyncio.run(live(url, account, folder, peer, f"text {life}", is_it, writing))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as said:
            ended_at = said.read()
        _, status = os.waitpid(child, 0)
        print(json.dumps({"life": life, "at": ended_at, "kept": kept_in(folder)}), flush=True)
        if not os.WIFSIGNALED(status) and is_last_chance:
            raise SystemExit(os.waitstatus_to_exitcode(status))


def deaths(moments: tuple[str, ...]) -> Iterator[tuple[Callable[[str], bool], bool]]:
    """Whether it is time to die, asked at each step, of one life after the other; and whether who
    survives that has seen all."""
    by_name = ((moment.__eq__, False) for moment in moments)
    by_number = ((nth(step), True) for step in count(1))
    return chain(by_name, by_number)


def nth(step: int) -> Callable[[str], bool]:
    """Whether so many steps have been asked about."""
    numbers = count(1)
    return lambda _: next(numbers) == step


async def look_in(url: str, account: str, folder: str) -> None:
    """So that what is loaded at the first use is loaded before the first fork."""
    async with Katydid(url, account, folder=folder, timing=QUICK) as chat:
        await chat.until_online()
        await chat.conversations()


async def live(
    url: str,
    account: str,
    folder: str,
    peer: str,
    text: str,
    is_it: Callable[[str], bool],
    say: int,
) -> None:
    async with Katydid(url, account, folder=folder, timing=QUICK) as chat:
        await chat.until_online()
        while chat.waiting():  # what the last life left, so that this one counts its own steps
            await asyncio.sleep(0.001)
        die_when(is_it, say)
        await chat.send(peer, text)
        sys.setprofile(None)


def die_when(is_it: Callable[[str], bool], say: int) -> None:
    def look(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_filename not in STEPS_IN or event not in ("call", "return"):
            return
        moment = f"{event} {frame.f_code.co_qualname}"
        if is_it(moment):
            os.write(say, moment.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)


def kept_in(folder: str) -> list[str]:
    """The texts in the outbox, as the next life will find them."""
    with closing(sqlite3.connect(Path(folder) / "outbox.db")) as database:
        rows = database.execute('SELECT text FROM outgoing ORDER BY "order"').fetchall()
    return [text for (text,) in rows]


if __name__ == "__main__":
    main(*sys.argv[1:])
