"""`./katydid chaos`: a private installation, people who write, and faults made from a seed.

Broker, bridge, site and database are killed, frozen, cut off and slowed down, and their disk filled
up, while people write to each other; then what each of them believes is held against the archive.
"""

import argparse
import asyncio
import json
import math
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from bench.chaos.layout import CLUSTER, MOSQUITTO, NEWER_MOSQUITTO, POSTGRESQL, SQLITE
from bench.chaos.report import report
from bench.chaos.role import BROWSER, CLIENT, PLAIN
from bench.chaos.run import Outcome, Plan, pairs_of, run
from chat.errors import KatydidError
from cli.terminal import say

_KINDS = {"clients": CLIENT, "browsers": BROWSER, "publishers": PLAIN}


class NotSoAtAll(KatydidError):
    """What was asked for does not go together."""


def chaos(arguments: Sequence[str]) -> int:
    """Exit status: 0 when nothing was lost, doubled or out of order for those who have an
    outbox."""
    given = _parsed(arguments)
    remarks: list[str] = []
    plan = Plan(
        broker=given.broker,
        database=given.database or (POSTGRESQL if given.broker == CLUSTER else SQLITE),
        seed=int(time.time()) % 100_000 if given.seed is None else given.seed,
        seconds=60.0 * given.minutes if given.seconds is None else given.seconds,
        pairs=pairs_of([_KINDS[word] for word in given.people], remarks),
        targets=given.targets,
    )
    if plan.broker == CLUSTER and plan.database != POSTGRESQL:
        raise NotSoAtAll("a cluster keeps everything in PostgreSQL, and knows no other database.")
    if not 0 < plan.seconds < math.inf:
        raise NotSoAtAll("a run must be longer than nothing, and have an end.")
    _make_room(given)
    for remark in remarks:
        say(remark)
    outcome = asyncio.run(_until_stopped(plan, given.keep))
    outcome.remarks = [*remarks, *outcome.remarks]
    print(report(outcome), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(outcome.as_json(), indent=2) + "\n", encoding="utf-8")
    return 0 if outcome.is_clean else 1


def _make_room(given: argparse.Namespace) -> None:
    """What cannot be kept is said before the run, and not after it. Raises OSError."""
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
    if given.json is not None:
        given.json.touch()


async def _until_stopped(plan: Plan, keep: Path | None) -> Outcome:
    """Ctrl-C and SIGTERM cut it short, and everything ends in good order."""
    running = asyncio.ensure_future(run(plan, keep))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        return await running
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./katydid chaos", description=__doc__)
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--minutes", type=float, default=2.0, help="how long faults come (2)")
    how_long.add_argument("--seconds", type=float, help="the same in seconds")
    parser.add_argument("--seed", type=int, help="what the faults are made from; else a new one")
    parser.add_argument(
        "--broker",
        choices=(MOSQUITTO, NEWER_MOSQUITTO, CLUSTER),
        default=MOSQUITTO,
        help=f"{MOSQUITTO}, as this machine has it, if not said",
    )
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), help=f"{SQLITE}, if not said")
    parser.add_argument(
        "--people", nargs="+", choices=_KINDS, default=list(_KINDS), help="all, if not said"
    )
    parser.add_argument(
        "--targets", nargs="+", default=[], metavar="NAME", help="what may be hit; all, if not said"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the outcome for programs")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where ledgers and logs stay")
    return parser.parse_args(arguments)
