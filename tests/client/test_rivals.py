"""Whose connection it is that a device has: ours, an earlier run's, or another program's."""

from client.rivals import Rivals


def test_another_program_is_whoever_began_while_we_looked() -> None:
    rivals = Rivals()
    rivals.ours("phone-1")
    assert not rivals.is_another_new({"phone-1"})

    assert rivals.is_another_new({"phone-1", "phone-of-another"})

    assert not rivals.is_another_new({"phone-of-another"})
    assert rivals.is_another_new({"phone-of-another-2"})


def test_what_an_earlier_run_left_behind_is_no_other_program() -> None:
    rivals = Rivals()
    rivals.ours("phone-1")

    assert not rivals.is_another_new({"phone-of-yesterday", "phone-1"})
    rivals.ours("phone-2")

    assert not rivals.is_another_new({"phone-of-yesterday", "phone-1", "phone-2"})
    assert not rivals.is_another_new(set())
    assert not rivals.is_another_new({"phone-of-yesterday"})
