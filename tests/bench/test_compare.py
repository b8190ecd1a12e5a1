"""Two runs side by side, and what a figure is a ratio to."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.compare import changes, comparison
from bench.figures import Figure, Machine, Run, as_json, run_from
from bench.goals import verdicts
from bench.ratios import ratio, ratio_to_rows
from bench.scale import FULL
from bench.table import table

MACHINE = Machine(
    cores=2, processor="a processor", memory_bytes=8 << 30, system="Debian", python="3.11"
)


@dataclass
class Made:
    """A run, made figure by figure."""

    figures: list[Figure] = field(default_factory=list)

    def add(
        self,
        *values: float,
        system: str = "sqlite",
        name: str = "10 pairs: messages",
        work: str = "throughput",
        better: str = "higher",
        at: float | None = None,
    ) -> Figure:
        figure = Figure(
            work=work,
            system=system,
            name=name,
            unit="/s",
            better="higher" if better == "higher" else "lower",
            over="" if at is None else "messages",
            at=at,
            values=list(values),
        )
        self.figures.append(figure)
        return figure

    def run(self) -> Run:
        return Run(
            began_at="2026-11-25T12:00:00.000Z",
            commit="abc",
            scale=replace(FULL, rounds=len(self.figures[0].values)),
            machine=MACHINE,
            load_average=[0.0, 0.0, 0.0],
            figures=self.figures,
            remarks=[],
        )


def run_of(*values: float, better: str = "higher") -> Run:
    made = Made()
    made.add(*values, better=better)
    return made.run()


@pytest.mark.parametrize(
    ("old", "new", "better", "expected"),
    [
        ((100, 101, 102), (120, 121, 122), "higher", [True]),
        ((120, 121, 122), (100, 101, 102), "higher", [False]),
        ((100, 101, 102), (120, 121, 122), "lower", [False]),
        ((120, 121, 122), (100, 101, 102), "lower", [True]),
        ((100, 110, 120), (115, 121, 130), "higher", []),  # a round of the one is in the other
        ((100, 100, 100), (103, 103, 103), "higher", []),  # apart, and yet the same
        ((100, 101), (200, 201), "higher", []),  # too few to tell
        ((0, 0, 0), (1, 1, 1), "lower", [False]),  # nothing was lost before
        ((0, 0, 0), (0, 0, 0), "lower", []),
    ],
)
def test_a_change_is_what_no_round_of_the_other_run_reached(
    old: tuple[float, ...], new: tuple[float, ...], better: str, expected: list[bool]
) -> None:
    found = changes(run_of(*old, better=better), run_of(*new, better=better))

    assert [change.is_better for change in found] == expected


def test_a_machine_that_was_busier_in_one_run_changes_nothing() -> None:
    quiet, busy = Made(), Made()
    for made, share in ((quiet, 1.0), (busy, 0.5)):
        made.add(10_000 * share, 10_100 * share, 10_200 * share)
        made.add(30_000 * share, 30_300 * share, 30_600 * share, system="mosquitto")

    assert changes(quiet.run(), busy.run()) == []


def test_what_became_worse_is_said_first_and_by_how_much() -> None:
    old, new = Made(), Made()
    old.add(100, 101, 102)
    old.add(100, 101, 102, name="CPU", better="lower")
    new.add(200, 202, 204)
    new.add(200, 202, 204, name="CPU", better="lower")

    said = comparison(old.run(), new.run()).splitlines()

    assert said[1].startswith("  WORSE: throughput, CPU, Katydid, SQLite: the figure is 2.00 of")
    assert said[2].startswith("  better: throughput, 10 pairs: messages")


def test_ratios_are_taken_round_by_round() -> None:
    made = Made()
    ours = made.add(10, 40, 30)
    made.add(100, 100, 100, system="mosquitto")
    made.add(20, 80, 60, system="rows-sqlite")

    found, to_rows = ratio(ours, made.figures), ratio_to_rows(ours, made.figures)

    assert found is not None
    assert (found.to, found.values) == ("bare mosquitto", [0.1, 0.4, 0.3])
    assert found.median == 0.3
    assert to_rows is not None
    assert to_rows.values == [0.5, 0.5, 0.5]


def test_a_curve_without_a_limit_is_a_ratio_to_its_smallest() -> None:
    made = Made()
    made.add(2.0, work="history", at=10_000)
    large = made.add(3.0, work="history", at=1_000_000)

    found = ratio(large, made.figures)

    assert found is not None
    assert (found.to, found.median) == ("that at 10,000 messages", 1.5)


@pytest.mark.parametrize(
    ("messages", "limit", "expected"),
    [
        (12_000, 30_000, ["≥ 10,000: reached", "≥ 0.35 of bare mosquitto: reached"]),
        (9_000, 30_000, ["≥ 10,000: MISSED", "≥ 0.35 of bare mosquitto: MISSED"]),
        (9_000, 10_000, ["≥ 10,000: MISSED", "≥ 0.35 of bare mosquitto: reached"]),
    ],
)
def test_the_table_says_what_is_reached(messages: float, limit: float, expected: list[str]) -> None:
    made = Made()
    ours = made.add(messages)
    made.add(limit, system="mosquitto")

    assert verdicts(ours, made.figures) == expected
    assert "; ".join(expected) in table(made.run())


def test_a_ratio_that_was_not_measured_is_not_called_missed() -> None:
    made = Made()
    ours = made.add(12_000)

    assert verdicts(ours, made.figures)[1] == "≥ 0.35 of bare mosquitto: cannot be told"


def test_a_file_says_all_of_a_run(tmp_path: Path) -> None:
    run = run_of(1, 2, 3)
    file = tmp_path / "run.json"

    file.write_bytes(as_json(run))

    assert run_from(file) == run
