"""What waits while no bridge runs, and how fast it is archived and delivered when one is back; what
is written meanwhile arrives in order."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from bench.figures import Measured
from bench.load import Arrival, leave, paced
from bench.scale import Scale
from bench.stored import number_stored, settle, wrong
from bench.systems import CLUSTER, Katydid, Systems, katydid
from bench.timings import quantiles
from bench.works import Measure
from chat.errors import KatydidError

_PAIRS = 10
_LIVE_PER_SECOND = 20
_LOOK_EVERY_SECONDS = 0.05
_WITHIN_SECONDS = 300.0


class NotDrained(KatydidError):
    """It is still not archived."""


def prepare(systems: Systems, scale: Scale, ended: ExitStack) -> Mapping[str, Measure]:
    """By database; a cluster's bridges are its own to start."""
    running = [
        ended.enter_context(katydid(name, 2 * _PAIRS + 2, has_bridge=False))
        for name in systems.databases
        if name != CLUSTER
    ]
    return {each.name: partial(_measure, each, scale) for each in running}


def _measure(system: Katydid, scale: Scale) -> list[Measured]:
    *pairs, live = system.pairs(_PAIRS + 1)
    each = scale.backlog // _PAIRS
    before = number_stored(system.database)
    run = leave(pairs, each=each)
    is_drained = threading.Event()
    with system.installation.own_bridge(), ThreadPoolExecutor() as beside:
        began = time.perf_counter()
        arriving = beside.submit(
            paced, [live], per_second=_LIVE_PER_SECOND, is_enough=lambda _: is_drained.is_set()
        )
        try:
            first = _seconds_until(system, before + 1, began)
            all_of_it = _seconds_until(system, before + _PAIRS * each, began)
        finally:
            is_drained.set()
        arrived = arriving.result()
    settle(system.database)
    seconds = [each.seconds for each in arrived]
    return [
        Measured(
            name="drained",
            value=_PAIRS * each / max(all_of_it - first, _LOOK_EVERY_SECONDS),
            unit="/s",
            better="higher",
        ),
        Measured(name="from the bridge's start until all is archived", value=all_of_it, unit="s"),
        *wrong(system.database, run, sent=_PAIRS * each, delivered=None),
        Measured(name="live messages out of order", value=_out_of_order(arrived), unit="messages"),
        Measured(name="live messages, p50", value=quantiles(seconds)["p50"], unit="s"),
        Measured(name="live messages, longest", value=max(seconds), unit="s"),
    ]


def _seconds_until(system: Katydid, stored: int, began: float) -> float:
    while number_stored(system.database) < stored:
        if time.perf_counter() > began + _WITHIN_SECONDS:
            raise NotDrained(f"the backlog was not archived within {_WITHIN_SECONDS:.0f} s.")
        time.sleep(_LOOK_EVERY_SECONDS)
    return time.perf_counter() - began


def _out_of_order(arrived: list[Arrival]) -> int:
    numbers = [each.number for each in arrived]
    return sum(number != place for place, number in enumerate(numbers))
