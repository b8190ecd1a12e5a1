"""The faults of a run: made from its seed alone."""

from collections import Counter

import pytest

from bench.chaos.schedule import CUT, FILL, FREEZE, KILL, schedule

POSSIBLE = {
    KILL: ["broker", "bridge", "web"],
    FREEZE: ["broker", "bridge"],
    CUT: ["clients-broker"],
    FILL: [],
}


def test_the_same_seed_makes_the_same_faults_and_another_seed_others() -> None:
    faults = schedule(7, seconds=60, possible=POSSIBLE)

    assert schedule(7, seconds=60, possible=POSSIBLE) == faults
    assert schedule(8, seconds=60, possible=POSSIBLE) != faults


def test_a_seed_means_the_same_for_ever() -> None:
    first, second, *_ = schedule(1, seconds=60, possible=POSSIBLE)

    assert str(first).split() == ["1.5", "s", "freeze", "bridge", "for", "9.4", "s"]
    assert str(second).split() == ["5.1", "s", "kill", "broker"]


@pytest.mark.parametrize("seed", range(20))
def test_faults_are_in_order_over_in_time_and_never_two_at_one_target(seed: int) -> None:
    faults = schedule(seed, seconds=90, possible=POSSIBLE)

    assert [fault.at_seconds for fault in faults] == sorted(fault.at_seconds for fault in faults)
    assert all(fault.at_seconds + fault.lasts_seconds <= 90.01 for fault in faults)
    assert all(
        earlier.at_seconds + earlier.lasts_seconds <= later.at_seconds + 0.01
        for place, later in enumerate(faults)
        for earlier in faults[:place]
        if earlier.target == later.target
    )


@pytest.mark.parametrize("seed", range(20))
def test_every_fault_comes_to_every_target_before_any_comes_often(seed: int) -> None:
    faults = schedule(seed, seconds=600, possible=POSSIBLE)

    counts = Counter((fault.kind, fault.target) for fault in faults)
    assert set(counts) == {(kind, each) for kind, targets in POSSIBLE.items() for each in targets}
    assert min(counts.values()) > max(counts.values()) / 3


def test_where_nothing_can_be_done_nothing_is_done() -> None:
    assert list(schedule(1, seconds=60, possible={FILL: []})) == []
