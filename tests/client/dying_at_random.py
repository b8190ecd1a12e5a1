"""A program that sends so many texts, some at a time, and is killed again and again at moments that
a seed has chosen: after so many of its words, and a moment more. Each life goes on with the folder
of the last one, and with the number after the last that was begun.

A life says when it begins to send a text, and when `send` has reported it. Prints which were
begun, which were reported, and which lay in the outbox when a life ended. Lives are forked, as in
`dying.py`, and the killing is done from outside of them.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator

from client import Katydid
from tests.client.dying import kept_in, look_in
from tests.client.serving import QUICK

_AT_ONCE = 4
_MOST_WORDS = 60
_MOST_SECONDS_MORE = 0.02
# One that has said nothing yet is just being opened.
_MOST_SECONDS_UNTIL_OPEN = 0.2


def main(url: str, account: str, folder: str, peer: str, texts: str, seed: str) -> None:
    """Lives until one has sent the last text."""
    asyncio.run(look_in(url, account, folder))
    chosen = random.Random(int(seed))
    lives, begun = 0, 0
    reported: list[int] = []
    kept: set[str] = set()
    while True:
        lives += 1
        reading, writing = os.pipe()
        if (life := os.fork()) == 0:
            os.close(reading)
            numbers = iter(range(begun + 1, int(texts) + 1))
            asyncio.run(live(url, account, folder, peer, numbers, writing))
            os._exit(0)
        os.close(writing)
        for word, number in said_until_killed(life, reading, chosen):
            begun = max(begun, number)
            reported += [number] if word == "reported" else []
        kept |= set(kept_in(folder))
        _, status = os.waitpid(life, 0)
        if not os.WIFSIGNALED(status):
            break
    print(json.dumps({"lives": lives, "begun": begun, "reported": reported, "kept": sorted(kept)}))
    raise SystemExit(os.waitstatus_to_exitcode(status))


async def live(
    url: str, account: str, folder: str, peer: str, numbers: Iterator[int], say: int
) -> None:
    async with Katydid(url, account, folder=folder, timing=QUICK) as chat:

        async def send_some() -> None:
            for number in numbers:
                os.write(say, f"begun {number}\n".encode())
                await chat.send(peer, f"text {number}")
                os.write(say, f"reported {number}\n".encode())

        await asyncio.gather(*[send_some() for _ in range(_AT_ONCE)])


def said_until_killed(life: int, reading: int, chosen: random.Random) -> Iterator[tuple[str, int]]:
    """All that it says, which may be more than that after which it is killed."""
    left = chosen.randint(0, _MOST_WORDS)
    more = chosen.uniform(0, _MOST_SECONDS_MORE if left else _MOST_SECONDS_UNTIL_OPEN)
    with os.fdopen(reading) as said:
        if left == 0:
            kill(life, more)
        for line in said:
            word, number = line.split()
            yield word, int(number)
            left -= 1
            if left == 0:
                kill(life, more)


def kill(life: int, after_seconds: float) -> None:
    time.sleep(after_seconds)
    os.kill(life, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
