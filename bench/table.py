"""What a run has found, as a table for people: ratios first."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from bench.figures import Figure, Run
from bench.goals import verdicts
from bench.ratios import ratio, ratio_to_rows
from bench.systems import TITLES

_GIBIBYTE = 1 << 30


def table(run: Run) -> str:
    """A heading for each number, and below it a line for each system."""
    machine = run.machine
    load = " ".join(f"{each:.1f}" for each in run.load_average)
    lines = [
        f"{machine.cores} cores ({machine.processor}), {machine.memory_bytes / _GIBIBYTE:.0f} GB,"
        f" {machine.system}, Python {machine.python}; load average before: {load}",
        f"medians of {run.scale.rounds} interleaved rounds, in brackets the lowest and the highest",
    ]
    for work, of_work in groupby(run.figures, key=lambda figure: figure.work):
        figures = list(of_work)
        lines += ["", work]
        for (name, at), some in groupby(_by_number(figures), key=_number):
            over = next(each.over for each in figures if (each.name, each.at) == (name, at))
            place = "" if at is None else f" at {at:,.0f} {over}"
            lines.append(f"  {name}{place}")
            lines += [_line(figure, figures) for figure in some]
    return "\n".join([*lines, *run.remarks])


def _by_number(figures: Sequence[Figure]) -> list[Figure]:
    """Those of one number side by side, in the order of the system that has most of them."""
    count = Counter(figure.system for figure in figures)
    fullest_first = sorted(figures, key=lambda figure: -count[figure.system])
    order = list(dict.fromkeys(map(_number, fullest_first)))
    return sorted(figures, key=lambda figure: order.index(_number(figure)))


def _number(figure: Figure) -> tuple[str, float | None]:
    return figure.name, figure.at


def _line(figure: Figure, among: Sequence[Figure]) -> str:
    found = ratio(figure, among)
    shown = f"{found.median:8.2f}  of {found.to}" if found is not None else f"{'–':>8}"
    spread = ""
    if len(figure.values) > 1:
        spread = f"({_short(min(figure.values))} – {_short(max(figure.values))})"
    to_rows = ratio_to_rows(figure, among)
    besides = [f"{to_rows.median:.2f} of {to_rows.to}"] if to_rows is not None else []
    remark = "; ".join([*besides, *verdicts(figure, among)])
    title = TITLES.get(figure.system, figure.system)
    value = f"{_short(figure.median)} {figure.unit}"
    return f"{shown:38} {title:26} {value:26} {spread:22} {remark}".rstrip()


def _short(value: float) -> str:
    """Three digits are enough."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
