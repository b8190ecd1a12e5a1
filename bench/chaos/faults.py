"""Doing a fault to a place: each begins, lasts, and is over, whatever comes in between."""

import asyncio
import random
import signal
from collections.abc import Mapping, Sequence

from bench.chaos.people import Participant
from bench.chaos.place import Place
from bench.chaos.schedule import CUT, DELAY, FILL, FREEZE, KILL, SILENCE, Fault
from bench.processes import signal_all, tree

_DISK = "disk"
_DELAY_SECONDS = (0.05, 0.8)


def possible_faults(place: Place, people: Sequence[Participant]) -> Mapping[str, Sequence[str]]:
    """Which kinds of faults there can be, and the targets of each."""
    mortals = [each.name for each in people if each.may_be_killed]
    wires = list(place.wires)
    return {
        KILL: [*place.parts, *mortals],
        FREEZE: [*place.parts, *mortals],
        CUT: wires,
        SILENCE: wires,
        DELAY: wires,
        FILL: [_DISK] if place.disk else [],
    }


async def suffer(fault: Fault, place: Place, people: Sequence[Participant]) -> str:
    """Have it happen; returns when it is over, with what there was to remark."""
    if fault.kind in (KILL, FREEZE):
        pids = _pids(fault.target, place, people)
        if not pids:
            return "did not run just then"
        if fault.kind == KILL:
            signal_all(pids, signal.SIGKILL)
        else:
            await _freeze(pids, fault.lasts_seconds)
    elif fault.kind == FILL:
        await _fill(place, fault.lasts_seconds)
    else:
        await _disturb(fault, place)
    return ""


def _pids(target: str, place: Place, people: Sequence[Participant]) -> Sequence[int]:
    for participant in people:
        if participant.name == target:
            return list(tree(participant.pid)) if participant.pid else []
    return place.pids(target)


async def _freeze(pids: Sequence[int], seconds: float) -> None:
    signal_all(pids, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        signal_all(pids, signal.SIGCONT)


async def _fill(place: Place, seconds: float) -> None:
    assert place.disk is not None
    try:
        await asyncio.to_thread(place.disk.fill)
        await asyncio.sleep(seconds)
    finally:
        place.disk.empty()


async def _disturb(fault: Fault, place: Place) -> None:
    wire = place.wires[fault.target]
    if fault.kind == CUT:
        disturbed = wire.cut()
    elif fault.kind == SILENCE:
        disturbed = wire.silence()
    else:
        # As long as the fault's own time says, so that a repeated run has the same.
        chance = random.Random(fault.at_seconds)  # noqa: S311  no secret is made of it
        disturbed = wire.delay(chance.uniform(*_DELAY_SECONDS))
    async with disturbed:
        await asyncio.sleep(fault.lasts_seconds)
