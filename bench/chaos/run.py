"""One run: a place and its people, the faults of a seed, the time to settle, and the verdict."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shutil import copy, copytree
from tempfile import TemporaryDirectory
from typing import Any

from bench.chaos.faults import possible_faults, suffer
from bench.chaos.people import People, people
from bench.chaos.place import Place, place
from bench.chaos.role import BROWSER, CLIENT, PLAIN
from bench.chaos.schedule import Fault, schedule
from bench.chaos.verdict import Kind, Row, as_json, verdict
from bench.chromium import ChromiumMissing, chromium_program
from chat.errors import KatydidError
from cli.terminal import say

# A slow machine may take long over what is still waiting: it has this time for the next of it.
_MOVES_WITHIN_SECONDS = 120.0
_SETTLED_WITHIN_SECONDS = 1_200.0
# What is not archived when nothing was for so long, is lost: longer than a bridge that was killed
# at the end needs to be back (/healthz believes in it as long as its lease lasts).
_QUIET_SECONDS = 15.0
# After the last fault they write on for a while: what is only broken shows then.
_AFTERWARDS_SECONDS = 3.0
_THERE_WITHIN_SECONDS = 60.0
_PAIRS = {CLIENT: 2, PLAIN: 1, BROWSER: 1}
_JUDGED = (CLIENT, BROWSER)


class NoSuchTarget(KatydidError):
    """What was to be hit is not there in such a run."""


class NobodyThere(KatydidError):
    """A participant did not even begin."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is to be. `pairs` of each kind of participants; without `targets`, all that there
    are may be hit."""

    broker: str
    database: str
    seed: int
    seconds: float
    pairs: Mapping[str, int]
    targets: Sequence[str] = ()


@dataclass(kw_only=True)
class Outcome:
    """What came of it. `remarks` is what went otherwise than was meant."""

    plan: Plan
    faults: Sequence[Fault] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    seconds_to_settle: float = 0.0
    remarks: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or out of order for those who have an outbox."""
        judged = [each for kind, each in self.kinds.items() if kind in _JUDGED]
        return bool(self.kinds) and all(each.is_clean for each in judged)

    @property
    def lost(self) -> int:
        """Of all kinds together, judged or not."""
        return sum(each.lost for each in self.kinds.values())

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self.plan),
            "clean": self.is_clean,
            "faults": [asdict(fault) for fault in self.faults],
            "kinds": as_json(self.kinds),
            "seconds_to_settle": self.seconds_to_settle,
            "remarks": self.remarks,
        }


def pairs_of(kinds: Collection[str], remarks: list[str]) -> dict[str, int]:
    """How many pairs there are of each of those kinds; a remark for what cannot take part here."""
    pairs = {kind: number for kind, number in _PAIRS.items() if kind in kinds}
    if BROWSER in pairs:
        try:
            chromium_program()
        except ChromiumMissing as problem:
            remarks.append(f"no browser takes part: {problem}")
            del pairs[BROWSER]
    return pairs


async def run(plan: Plan, keep: Path | None = None) -> Outcome:
    """Ends by itself, and all that it started with it. With `keep`, that folder has the ledgers and
    logs afterwards."""
    outcome = Outcome(plan=plan)
    async with AsyncExitStack() as ended:
        folder = Path(ended.enter_context(TemporaryDirectory(prefix="katydid-chaos-")))
        folder.chmod(0o711)
        say(f"{plan.broker} and {plan.database}, seed {plan.seed}: starting")
        where = await ended.enter_async_context(place(plan.broker, plan.database, folder))
        who = await ended.enter_async_context(
            people(where.own_url, where.url, folder, pairs=plan.pairs)
        )
        outcome.faults = schedule(
            plan.seed,
            seconds=plan.seconds,
            possible=_limited(possible_faults(where, who.participants), plan.targets),
        )
        if keep is not None:
            ended.callback(_keep, keep, where, who)
        await _until_all_are_there(who)
        await _suffer_all(outcome, where, who)
        await _settle(outcome, where, who)
    return outcome


def _limited(
    possible: Mapping[str, Sequence[str]], wanted: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    if not wanted:
        return possible
    known = sorted({target for targets in possible.values() for target in targets})
    if unknown := sorted(set(wanted) - set(known)):
        raise NoSuchTarget(f"there is no {unknown[0]}; there are {', '.join(known)}.")
    return {
        kind: [target for target in targets if target in wanted]
        for kind, targets in possible.items()
    }


async def _until_all_are_there(who: People) -> None:
    deadline = time.monotonic() + _THERE_WITHIN_SECONDS
    while absent := [each.name for each in who.participants if not each.is_there()]:
        if time.monotonic() > deadline:
            raise NobodyThere(f"{', '.join(absent)} did not begin.")
        await asyncio.sleep(0.2)
    who.signs.begin()


async def _suffer_all(outcome: Outcome, where: Place, who: People) -> None:
    began = time.monotonic()

    async def suffer_in_time(fault: Fault) -> None:
        await asyncio.sleep(began + fault.at_seconds - time.monotonic())
        say(str(fault))
        if remark := await suffer(fault, where, who.participants):
            say(f"          {fault.target} {remark}")

    async with asyncio.TaskGroup() as tasks:
        for fault in outcome.faults:
            tasks.create_task(suffer_in_time(fault))
        await asyncio.sleep(outcome.plan.seconds)


async def _settle(outcome: Outcome, where: Place, who: People) -> None:
    """Until everybody is done and has seen all, or nothing moves any more."""
    try:
        await where.until_well()
    except TimeoutError as problem:
        outcome.remarks.append(f"it did not become well again: {problem}")
    await asyncio.sleep(_AFTERWARDS_SECONDS)
    who.signs.enough()
    began = moved = time.monotonic()
    while True:
        before = outcome.kinds
        unsettled = await asyncio.to_thread(who.unsettled)
        outcome.kinds = await asyncio.to_thread(_judge, where, who)
        now = time.monotonic()
        moved = now if outcome.kinds != before else moved
        outcome.seconds_to_settle = round(now - began, 1)
        is_all = not outcome.lost or now > moved + _QUIET_SECONDS
        if not unsettled and outcome.is_clean and is_all:
            return
        if now > min(moved + _MOVES_WITHIN_SECONDS, began + _SETTLED_WITHIN_SECONDS):
            outcome.remarks += [f"{name} was not done in time" for name in unsettled]
            return
        await asyncio.sleep(1.0)


def _keep(folder: Path, where: Place, who: People) -> None:
    """Ledgers, and what everybody said, for who wants to know why."""
    folder.mkdir(parents=True, exist_ok=True)
    copytree(where.logs, folder / "logs", dirs_exist_ok=True)
    for each in who.participants:
        for file in (each.role.ledger_file, each.output):
            if file.exists():
                copy(file, folder / f"{each.name}.{file.name}")


def _judge(where: Place, who: People) -> Mapping[str, Kind]:
    ledgers = who.ledgers()
    archive: Sequence[Row] = where.archive()
    return verdict(who.kinds, ledgers, archive)
