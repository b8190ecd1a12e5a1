"""Two runs side by side: what has become better or worse beyond the noise.

Where a limit was measured beside a figure, the ratios to it are compared, for a machine that was
busier in one of the two runs was so for the limit too. Beyond the noise is what no round of the one
run reached in the other, and by more than five percent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.figures import Figure, Run
from bench.ratios import ratio_to_limit, ratio_to_rows
from bench.systems import MOSQUITTO, ROWS_POSTGRESQL, ROWS_SQLITE, TITLES

# With fewer, two runs of the same are apart every few times.
ENOUGH_ROUNDS = 3
_LEAST_CHANGE = 0.05
_LIMITS = (MOSQUITTO, ROWS_SQLITE, ROWS_POSTGRESQL)


@dataclass(frozen=True, kw_only=True)
class Change:
    """`times` is what the new one is of the old one."""

    figure: Figure
    of: str
    times: float
    is_better: bool


def changes(old: Run, new: Run) -> list[Change]:
    """Those beyond the noise; what only one of the runs has is left out."""
    before = {figure.key: figure for figure in old.figures}
    found = []
    for figure in new.figures:
        earlier = before.get(figure.key)
        if earlier is None or figure.system in _LIMITS:
            continue
        of, was, is_now = _compared(earlier, figure, old.figures, new.figures)
        if not _is_beyond_noise(was, is_now):
            continue
        is_higher = median(is_now) > median(was)
        times = median(is_now) / median(was) if median(was) else float("inf")
        is_better = is_higher == (figure.better == "higher")
        found.append(Change(figure=figure, of=of, times=times, is_better=is_better))
    return found


def comparison(old: Run, new: Run) -> str:
    """The same in words, the worse ones first."""
    lines = [f"compared with the run of {old.began_at} ({old.commit or 'commit unknown'}):"]
    if old.machine != new.machine:
        lines.append("  that was another machine, or it had other software")
    if min(old.scale.rounds, new.scale.rounds) < ENOUGH_ROUNDS:
        lines.append(f"  it takes {ENOUGH_ROUNDS} rounds in both to tell changes from noise")
    if replace(old.scale, rounds=new.scale.rounds) != new.scale:
        lines.append("  one of the two measured with more, or otherwise")
    for change in sorted(changes(old, new), key=lambda change: change.is_better):
        figure = change.figure
        place = "" if figure.at is None else f" at {figure.at:,.0f} {figure.over}"
        lines.append(
            f"  {'better' if change.is_better else 'WORSE'}: {figure.work}, {figure.name}{place},"
            f" {TITLES.get(figure.system, figure.system)}: {change.of} is {change.times:.2f} of"
            " what it was"
        )
    if not changes(old, new):
        lines.append("  nothing changed beyond the noise")
    return "\n".join(lines)


def _compared(
    earlier: Figure, later: Figure, old: Sequence[Figure], new: Sequence[Figure]
) -> tuple[str, list[float], list[float]]:
    """What is compared, in words, and its values in both."""
    for take in (ratio_to_limit, ratio_to_rows):
        was, is_now = take(earlier, old), take(later, new)
        if was is not None and is_now is not None:
            return f"the ratio to {is_now.to}", was.values, is_now.values
    return "the figure", earlier.values, later.values


def _is_beyond_noise(was: list[float], is_now: list[float]) -> bool:
    if min(len(was), len(is_now)) < ENOUGH_ROUNDS:
        return False
    are_apart = max(was) < min(is_now) or max(is_now) < min(was)
    return are_apart and abs(median(is_now) - median(was)) > _LEAST_CHANGE * abs(median(was))
