"""What a figure is a ratio to: the limit that was measured beside it, or the smallest of its own
curve, or Katydid on SQLite. Taken round by round, so that what else the machine does hits both."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.figures import Figure
from bench.systems import MOSQUITTO, POSTGRESQL, ROWS_POSTGRESQL, ROWS_SQLITE, SQLITE, TITLES

_ROWS = {SQLITE: ROWS_SQLITE, POSTGRESQL: ROWS_POSTGRESQL}


@dataclass(frozen=True)
class Ratio:
    """One for each round; `to` says in words what to."""

    to: str
    values: list[float]

    @property
    def median(self) -> float:
        return median(self.values)


def ratio_to_limit(figure: Figure, among: Sequence[Figure]) -> Ratio | None:
    """To the bare broker's figure of the same name, if there is one."""
    return _to_system(figure, MOSQUITTO, among)


def ratio_to_rows(figure: Figure, among: Sequence[Figure]) -> Ratio | None:
    """To bare inserts into the same database, likewise."""
    limit = _ROWS.get(figure.system)
    return _to_system(figure, limit, among) if limit else None


def ratio_to_smallest(figure: Figure, among: Sequence[Figure]) -> Ratio | None:
    """To the figure at the lowest place of the same curve; there it is 1."""
    if figure.at is None:
        return None
    places = [
        (each.at, each)
        for each in among
        if each.at is not None
        and (each.work, each.system, each.name) == (figure.work, figure.system, figure.name)
    ]
    at, smallest = min(places, key=lambda place: place[0])
    return _ratio(f"that at {at:,.0f} {figure.over}", figure, smallest)


def ratio(figure: Figure, among: Sequence[Figure]) -> Ratio | None:
    """The first of these that there is; None when nothing else of the kind was measured."""
    return (
        ratio_to_limit(figure, among)
        or ratio_to_smallest(figure, among)
        or _to_system(figure, SQLITE, among)
    )


def _to_system(figure: Figure, system: str, among: Sequence[Figure]) -> Ratio | None:
    key = (figure.work, system, figure.name, figure.at)
    limit = next((each for each in among if each.key == key), None)
    return None if limit is None else _ratio(TITLES[system], figure, limit)


def _ratio(to: str, figure: Figure, limit: Figure) -> Ratio | None:
    """None where the limit is 0, or had other rounds."""
    if len(figure.values) != len(limit.values) or 0 in limit.values:
        return None
    values = [ours / its for ours, its in zip(figure.values, limit.values, strict=True)]
    return Ratio(to, values)
