"""Runs the works: round by round, one system after the other, each round beginning with another
one. What cannot be measured is said, and the rest goes on."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from bench.figures import Figure, Measured, Run, this_commit, this_machine, this_moment
from bench.scale import Scale
from bench.systems import Systems
from bench.works import Measure, Work
from chat.errors import KatydidError
from cli.terminal import say


@dataclass
class _Found:
    """What has been measured of one work, in the order in which it came."""

    work: str
    figures: dict[tuple[str, str, float | None], list[Measured]] = field(default_factory=dict)

    def add(self, system: str, measured: Measured) -> None:
        key = (system, measured.name, measured.at)
        self.figures.setdefault(key, []).append(measured)

    def all(self) -> list[Figure]:
        return [
            Figure(
                work=self.work,
                system=system,
                name=name,
                unit=each[0].unit,
                better=each[0].better,
                over=each[0].over,
                at=at,
                values=[measured.value for measured in each],
            )
            for (system, name, at), each in self.figures.items()
        ]


def run(
    works: dict[str, Work],
    databases: Sequence[str],
    scale: Scale,
    *,
    keep: Callable[[Run], None],
) -> Run:
    """All of them, on private installations that end with it. After each work, `keep` is given what
    there is so far: who is cut off after half an hour has that."""
    found = Run(
        began_at=this_moment(),
        commit=this_commit(),
        scale=scale,
        machine=this_machine(),
        load_average=list(os.getloadavg()),
        figures=[],
        remarks=[],
    )
    with ExitStack() as ended:
        systems = Systems(databases, people=2 * max(*scale.pairs, 10), ended=ended)
        for name, work in works.items():
            of_work = _Found(name)
            try:
                with ExitStack() as until_measured:
                    say(f"{name}: preparing")
                    measures = work(systems, scale, until_measured)
                    _measure(of_work, dict(measures), scale.rounds, found.remarks)
            except _EXPECTED as problem:
                found.remarks.append(f"{name} was not measured: {problem}")
            found.figures.extend(of_work.all())
            keep(found)
    return found


_EXPECTED = (KatydidError, OSError, SQLAlchemyError)


def _measure(found: _Found, measures: dict[str, Measure], rounds: int, remarks: list[str]) -> None:
    for number in range(rounds):
        say(f"{found.work}: round {number + 1} of {rounds}")
        names = list(measures)
        for system in names[number % len(names) :] + names[: number % len(names)]:
            try:
                for measured in measures[system]():
                    found.add(system, measured)
            except _EXPECTED as problem:
                remarks.append(f"{found.work} was given up for {system}: {problem}")
                del measures[system]
                if not measures:
                    return
