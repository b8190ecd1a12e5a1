"""The server key is changed under people whose pages stay open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cli.rotate import CannotRotate, rotate
from tests.conftest import needs
from tests.end_to_end.person import PASSWORD, Person
from tests.end_to_end.running_up import Up
from tests.running import wait_until


@pytest.fixture
def katydid(tmp_path: Path) -> Iterator[Up]:
    """An installation of its own, which is stopped in between."""
    needs("mosquitto")
    up = Up(tmp_path)
    yield up
    up.stop()


def person(katydid: Up, chromium: Browser, name: str) -> Person:
    katydid.add_account(name, password=PASSWORD)
    return Person(chromium.new_context(), katydid.url, name).log_in()


def test_nobody_notices_but_who_stayed_away_until_the_end(katydid: Up, chromium: Browser) -> None:
    alice, bob, carol = (person(katydid, chromium, name) for name in ("alice", "bob", "carol"))
    carol.page.goto("about:blank")
    alice.talk_to(bob).write("Before")
    bob.open(alice).sees("Before")

    katydid.stop()
    assert rotate(katydid.environ, []) == 0
    katydid.start_again()

    alice.wait_until_online()
    alice.write("With the new key")
    bob.sees("Before", "With the new key")

    bob.write("Heard")
    alice.sees("Before", "With the new key", "Heard")
    wait_until("only Carol to be left", lambda: katydid.left_on_old_key() == ["carol"])

    katydid.stop()
    with pytest.raises(CannotRotate, match=r"\(1\)"):
        rotate(katydid.environ, ["--retire"])
    assert rotate(katydid.environ, ["--retire", "--cut-off"]) == 0
    katydid.start_again()

    alice.wait_until_online()
    alice.write("Are you there?")
    alice.sees_state("Are you there?", "read")
    bob.sees("Before", "With the new key", "Heard", "Are you there?")
    carol.visit("/")
    expect(carol.page.get_by_role("button", name="Log in")).to_be_visible()
    carol.log_in()
    assert alice.problems + bob.problems + carol.problems == []
    for each in (alice, bob, carol):
        each.context.close()
