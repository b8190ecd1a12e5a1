"""Parts that are killed under `up` come back by themselves, and the browsers miss nothing."""

import pytest

from tests.end_to_end.person import Person
from tests.end_to_end.running_up import Up


@pytest.mark.parametrize("part", ["bridge", "broker", "web"])
def test_a_killed_part_loses_nothing(katydid: Up, alice: Person, bob: Person, part: str) -> None:
    alice.talk_to(bob).write("Before")
    bob.open(alice).sees("Before")

    katydid.kill(part)
    alice.write("Alice, meanwhile")
    alice.sees_state("Alice, meanwhile", "read")
    katydid.wait_until_ready()
    bob.wait_until_online()
    bob.write("Bob, afterwards")

    alice.sees("Before", "Alice, meanwhile", "Bob, afterwards")
    bob.sees("Before", "Alice, meanwhile", "Bob, afterwards")
    bob.sees_state("Bob, afterwards", "read")
