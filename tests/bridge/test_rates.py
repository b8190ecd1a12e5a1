"""The token buckets, with a clock of their own."""

from bridge.rates import Rates


def taken(rates: Rates, account: str, tries: int, now: float) -> int:
    return sum(rates.allow(account, now) for _ in range(tries))


def test_an_account_may_have_its_burst_and_then_its_rate() -> None:
    rates = Rates(rate_per_second=2, burst=5)

    assert taken(rates, "alice", 10, now=0.0) == 5
    assert taken(rates, "alice", 10, now=1.0) == 2
    assert taken(rates, "alice", 10, now=100.0) == 5


def test_one_account_does_not_use_up_anothers() -> None:
    rates = Rates(rate_per_second=1, burst=1)

    assert taken(rates, "alice", 3, now=0.0) == 1
    assert taken(rates, "bob", 3, now=0.0) == 1


def test_what_is_charged_has_to_flow_in_again_first() -> None:
    rates = Rates(rate_per_second=2, burst=5)
    rates.charge("alice", 11, now=0.0)

    assert taken(rates, "alice", 10, now=3.0) == 0
    assert taken(rates, "alice", 10, now=4.0) == 2
    assert taken(rates, "bob", 10, now=4.0) == 5


def test_what_is_charged_comes_on_top_of_what_was_allowed() -> None:
    rates = Rates(rate_per_second=2, burst=5)
    assert taken(rates, "alice", 2, now=0.0) == 2

    rates.charge("alice", 2, now=0.0)

    assert taken(rates, "alice", 10, now=0.0) == 1


def test_what_piled_up_while_the_bridge_was_away_is_not_too_fast() -> None:
    rates = Rates(rate_per_second=2, burst=5)
    assert taken(rates, "alice", 10, now=0.0) == 5

    rates.forgive(away_seconds=10, now=10.0)

    assert taken(rates, "alice", 100, now=10.0) == 25
    assert taken(rates, "bob", 20, now=10.4) == 20
    assert taken(rates, "bob", 100, now=10.8) == 5


def test_after_a_silence_nothing_is_forgiven_any_more() -> None:
    rates = Rates(rate_per_second=2, burst=5)

    rates.forgive(away_seconds=1000, now=0.0)

    assert taken(rates, "alice", 100, now=0.5) == 5


def test_nothing_is_forgiven_for_ever() -> None:
    rates = Rates(rate_per_second=1, burst=5)
    rates.forgive(away_seconds=1000, now=0.0)

    for tenth in range(600):
        rates.allow("alice", now=tenth / 10)

    assert taken(rates, "bob", 100, now=60.0) == 5


def test_a_short_absence_does_not_take_back_a_long_one() -> None:
    rates = Rates(rate_per_second=2, burst=5)

    rates.forgive(away_seconds=100, now=0.0)
    rates.forgive(away_seconds=1, now=0.4)

    assert taken(rates, "alice", 1000, now=0.4) == 205
