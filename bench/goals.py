"""What Katydid is meant to reach, on two cores: by work, system and figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.figures import Figure
from bench.ratios import ratio_to_limit, ratio_to_smallest
from bench.systems import POSTGRESQL, SQLITE

Of = Literal["value", "bare mosquitto", "the smallest"]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A bound for a figure, or for its ratio. The figure's name ends with `name`; `at` None is at
    every place of its curve."""

    work: str
    name: str
    at_least: float | None = None
    at_most: float | None = None
    systems: tuple[str, ...] = (SQLITE, POSTGRESQL)
    at: float | None = None
    of: Of = "value"

    @property
    def words(self) -> str:
        bound, sign = (self.at_least, "≥") if self.at_most is None else (self.at_most, "≤")
        return f"{sign} {bound:,g}" + ("" if self.of == "value" else f" of {self.of}")

    def is_about(self, figure: Figure) -> bool:
        return (
            self.work == figure.work
            and figure.system in self.systems
            and figure.name.endswith(self.name)
            and self.at in (None, figure.at)
        )

    def is_reached(self, figure: Figure, among: Sequence[Figure]) -> bool | None:
        """None where the ratio cannot be told."""
        value = self._measured(figure, among)
        if value is None:
            return None
        if self.at_least is not None and value < self.at_least:
            return False
        return self.at_most is None or value <= self.at_most

    def _measured(self, figure: Figure, among: Sequence[Figure]) -> float | None:
        if self.of == "value":
            return figure.median
        take = ratio_to_limit if self.of == "bare mosquitto" else ratio_to_smallest
        found = take(figure, among)
        return None if found is None else found.median


GOALS = [
    *(
        goal
        for system, rate, part, cpu in (
            ((SQLITE,), 10_000, 0.35, 0.12),
            ((POSTGRESQL,), 8_000, 0.30, 0.18),
        )
        for goal in (
            Goal(work="throughput", name="pairs: messages", systems=system, at_least=rate),
            Goal(
                work="throughput",
                name="pairs: messages",
                systems=system,
                at_least=part,
                of="bare mosquitto",
            ),
            Goal(
                work="throughput",
                name="CPU of all server processes",
                systems=system,
                at_most=cpu,
            ),
        )
    ),
    Goal(work="throughput", name="CPU of bridge", at_most=0.06),
    Goal(work="throughput", name="lost", at_most=0),
    Goal(work="throughput", name="doubled", at_most=0),
    *(
        Goal(work="latency", name=f"delivery, {quantile}", systems=(system,), at=rate, at_most=most)
        for system, p50, p99 in ((SQLITE, 1.2, 3.0), (POSTGRESQL, 1.8, 4.5))
        for rate in (20, 200)
        for quantile, most in (("p50", p50), ("p99", p99))
    ),
    Goal(work="latency", name="delivery, p99", at=3_000, at_most=8.0),
    Goal(work="backlog", name="drained", at_least=10_000),
    Goal(work="backlog", name="lost", at_most=0),
    Goal(work="backlog", name="doubled", at_most=0),
    Goal(work="backlog", name="live messages out of order", at_most=0),
    Goal(work="history", name="page, p50", at_most=3.0),
    Goal(work="history", name="page, p99", at_most=8.0),
    Goal(work="history", name="page, p50", at_most=1.2, of="the smallest"),
    Goal(work="accounts", name="registration, p50", at_most=2.0, of="the smallest"),
    Goal(work="accounts", name="a new device, p50", at_most=2.0, of="the smallest"),
    Goal(work="accounts", name="device login, p50", at_most=2.0, of="the smallest"),
    Goal(work="idle", name="with the account", at=10_000, at_most=8.0),
    Goal(work="connects", name="connects", at_least=2_000),
    Goal(work="size", name="a message and its indexes on the disk", at_most=250),
]


def verdicts(figure: Figure, among: Sequence[Figure]) -> list[str]:
    """Each goal of the figure in words, and whether it was reached."""
    return [
        f"{goal.words}: {_SAID[goal.is_reached(figure, among)]}"
        for goal in GOALS
        if goal.is_about(figure)
    ]


_SAID = {True: "reached", False: "MISSED", None: "cannot be told"}
