"""Draws the figures over what there are ever more of: a picture each over accounts, messages,
connections and messages a second, as PNG and SVG. Lines are medians, the band around each is from
the lowest round to the highest."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Figure, Run
from bench.systems import MOSQUITTO, POSTGRESQL, SQLITE, TITLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {SQLITE: "tab:green", POSTGRESQL: "tab:blue", MOSQUITTO: "tab:gray"}
_COLUMNS = 3
_INCHES = 4.2, 3.0
_FORMATS = ("png", "svg")
# How the second and the third quantile of the same thing are told apart.
_DASHES = {"p50": "solid", "p99": "dashed"}


def draw(run: Run, folder: Path) -> list[Path]:
    """The files, in a folder that is made if it is not there; none for what has one place only."""
    from matplotlib.figure import Figure as Picture  # half a second, for who draws

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for over, panels in _panels(run.figures).items():
        rows = -(-len(panels) // _COLUMNS)
        columns = min(len(panels), _COLUMNS)
        picture = Picture(figsize=(_INCHES[0] * columns, _INCHES[1] * rows), layout="constrained")
        for place, (title, figures) in enumerate(panels.items(), start=1):
            axes = picture.add_subplot(rows, columns, place)
            _draw_lines(axes, figures)
            axes.set_title(title, fontsize=9)
            axes.set_xlabel(over, fontsize=8)
            axes.set_ylabel(figures[0].unit, fontsize=8)
        for kind in _FORMATS:
            file = folder / f"{over.replace(' ', '-')}.{kind}"
            picture.savefig(file, dpi=110)
            files.append(file)
    return files


def _panels(figures: Sequence[Figure]) -> dict[str, dict[str, list[Figure]]]:
    """By what they are over, then by title; quantiles of the same thing share a panel."""
    found: defaultdict[str, defaultdict[str, list[Figure]]]
    found = defaultdict(lambda: defaultdict(list))
    for figure in figures:
        if figure.at is not None:
            found[figure.over][f"{figure.work}: {_thing(figure)}"].append(figure)
    several = {
        over: {title: some for title, some in panels.items() if len({f.at for f in some}) > 1}
        for over, panels in found.items()
    }
    return {over: panels for over, panels in several.items() if panels}


def _draw_lines(axes: "Axes", figures: Sequence[Figure]) -> None:
    lines: defaultdict[tuple[str, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        lines[figure.system, _quantile(figure)].append(figure)
    for (system, quantile), line in lines.items():
        line.sort(key=lambda figure: figure.at or 0.0)
        places = [figure.at or 0.0 for figure in line]
        colour = _COLOURS.get(system, "tab:orange")
        axes.plot(
            places,
            [figure.median for figure in line],
            label=f"{TITLES.get(system, system)} {quantile}".strip(),
            color=colour,
            linestyle=_DASHES.get(quantile, "solid"),
            marker=".",
        )
        lowest = [min(figure.values) for figure in line]
        highest = [max(figure.values) for figure in line]
        axes.fill_between(places, lowest, highest, color=colour, alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=6)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)


def _thing(figure: Figure) -> str:
    return figure.name.removesuffix(f", {_quantile(figure)}")


def _quantile(figure: Figure) -> str:
    """ "" where it is none."""
    last = figure.name.rpartition(", ")[2]
    return last if last in _DASHES else ""
