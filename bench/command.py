"""`./katydid bench`: how fast it is, and what it costs, beside the limits of this machine.

Private installations run side by side and are measured in turn: Katydid on SQLite and PostgreSQL, a
bare mosquitto that delivers each message to as many, bare inserts of the same rows. Every figure is
a ratio taken in one run.
"""

import argparse
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.compare import comparison
from bench.curves import draw
from bench.figures import Run, as_json, run_from
from bench.runner import run
from bench.scale import FULL, SHORT, Scale
from bench.systems import CLUSTER, POSTGRESQL, SQLITE
from bench.table import table
from bench.works import works
from chat.errors import KatydidError
from cli.cluster.postgres import bring_postgres
from cli.packages import bring_packages
from cli.terminal import say

_MORE_FILES = 1_000


class CannotMeasure(KatydidError):
    """What was asked for cannot be measured."""


def bench(arguments: Sequence[str]) -> int:
    """Exit status: 0 when everything was measured."""
    given = _parsed(arguments)
    scale = _scale(given)
    _check_place(given)
    old = run_from(given.compare) if given.compare is not None else None
    chosen = {name: work for name, work in works().items() if name in given.works}
    databases = [*given.databases, *([CLUSTER] if given.cluster else [])]
    if POSTGRESQL in databases:
        bring_postgres()
    if given.curves is not None:
        bring_packages("bench")
    _allow_files(2 * max(scale.connections) + _MORE_FILES)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a way out through every `finally`
    found = run(chosen, databases, scale, keep=partial(_write, given.json))
    print(table(found), flush=True)
    if given.curves is not None:
        for file in draw(found, given.curves):
            say(f"drew {file}")
    if old is not None:
        print(f"\n{comparison(old, found)}", flush=True)
    return 1 if found.remarks else 0


def _scale(given: argparse.Namespace) -> Scale:
    scale = SHORT if given.short else FULL
    if given.rounds is not None:
        if given.rounds < 1:
            raise CannotMeasure(f"--rounds must be 1 or more, and is {given.rounds}.")
        scale = replace(scale, rounds=given.rounds)
    if given.messages is not None:
        if given.messages < 1_000:
            raise CannotMeasure(f"--messages must be 1,000 or more, and is {given.messages}.")
        scale = replace(scale, messages=given.messages)
    scale = replace(scale, receive_qos=given.receive_qos)
    if given.largest is not None:
        if given.largest <= scale.archives[0]:
            least = f"{scale.archives[0]:,}"
            raise CannotMeasure(f"--largest must be more than {least}, and is {given.largest:,}.")
        smaller = tuple(each for each in scale.archives if each < given.largest)
        scale = replace(scale, archives=(*smaller, given.largest))
    return scale


def _check_place(given: argparse.Namespace) -> None:
    """Before anything is measured, not after."""
    if given.json is not None and not given.json.absolute().parent.is_dir():
        raise CannotMeasure(f"{given.json} cannot be written: there is no such folder.")


def _write(file: Path | None, found: Run) -> None:
    if file is not None:
        file.write_bytes(as_json(found))


def _allow_files(number: int) -> None:
    """As many as may be; what needs more of them says so."""
    may_have, may_ask_for = resource.getrlimit(resource.RLIMIT_NOFILE)
    if may_ask_for != resource.RLIM_INFINITY:
        number = min(number, may_ask_for)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(number, may_have), may_ask_for))


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./katydid bench", description=__doc__)
    parser.add_argument(
        "--works", nargs="+", choices=list(works()), default=list(works()), help="all, if not said"
    )
    parser.add_argument(
        "--databases", nargs="+", choices=(SQLITE, POSTGRESQL), default=[SQLITE, POSTGRESQL]
    )
    parser.add_argument("--cluster", action="store_true", help="a cluster too (Debian, root)")
    parser.add_argument("--rounds", type=int, help=f"how often each is measured ({FULL.rounds})")
    parser.add_argument("--short", action="store_true", help="two minutes: whether it can be")
    parser.add_argument("--messages", type=int, help=f"of a run for throughput ({FULL.messages:,})")
    parser.add_argument(
        "--largest",
        type=int,
        metavar="MESSAGES",
        help=f"of the largest archive that is read ({FULL.archives[-1]:,}); it is made once",
    )
    parser.add_argument(
        "--receive-qos",
        type=int,
        choices=(0, 1),
        default=0,
        help="of the subscriptions of throughput and latency, the bare broker's too (0)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures for programs")
    parser.add_argument("--curves", type=Path, metavar="FOLDER", help="drawn, as PNG and SVG")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="what has changed since")
    return parser.parse_args(arguments)
