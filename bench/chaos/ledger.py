"""What each participant believes, on disk as soon as it believes it: a line of JSON an event.

A sender notes what it is about to hand over, what it has handed over (for one with an outbox: what
is on its disk), and what it was told of that; a receiver what it was shown. A process that is
killed leaves all that it wrote, and perhaps half a line.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What an event says. A participant that was killed begins anew, in the same ledger.
BEGUN = "begun"
OFFERED = "offered"
HANDED_OVER = "handed over"
ACKNOWLEDGED = "acknowledged"
ARCHIVED = "archived"
SHOWN = "shown"
SETTLED = "settled"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line. `text` is what tells a message from all others; `seq` is there once it is known, as
    is `sender` of what was shown. `at` is the machine's clock, in seconds."""

    what: str
    account: str
    peer: str
    text: str = ""
    seq: int | None = None
    sender: str | None = None
    at: float = 0.0


class Ledger:
    """The lines of one participant, of which each is in the file when `note` returns."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        # After a kill the last line may be half of one.
        if os.fstat(self._file).st_size:
            os.write(self._file, b"\n")

    def note(self, what: str, account: str, peer: str, **more: Any) -> None:
        line = {"what": what, "account": account, "peer": peer, "at": time.time(), **more}
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


def events(file: Path) -> Iterator[Event]:
    """All that was noted, in its order."""
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        if (found := _parsed(line)) is not None:
            yield Event(**found)


def next_number(file: Path, account: str, peer: str) -> int:
    """With which number a participant that was killed goes on: none that it ever offered."""
    offered = [
        each
        for each in events(file)
        if (each.what, each.account, each.peer) == (OFFERED, account, peer)
    ]
    return max((number_of(each.text) for each in offered), default=0) + 1


def text_of(account: str, number: int) -> str:
    """The text of somebody's so-and-so-manieth message, which is like no other."""
    return f"{account} says {number}"


def number_of(text: str) -> int:
    """Its place among those of its sender."""
    return int(text.rpartition(" ")[2])


def _parsed(line: str) -> Mapping[str, Any] | None:
    try:
        return dict(json.loads(line))
    except ValueError:  # an empty line, or half of one
        return None
