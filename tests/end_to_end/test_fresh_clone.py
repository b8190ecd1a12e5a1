"""From nothing to a chat, by what the README and docs/things say and nothing else: their commands
are taken out of them, and run as they stand there."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from cli.programs import find_program
from tests.conftest import needs
from tests.end_to_end.following import Newcomer
from tests.end_to_end.person import Person


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    """One for both tests: whoever comes first makes the clone."""
    needs("mosquitto")
    newcomer = Newcomer(tmp_path_factory.mktemp("newcomer"))
    yield newcomer
    newcomer.stop()


def test_a_newcomer_has_a_things_message_in_the_chat(
    newcomer: Newcomer, chromium: Browser, tell: Callable[[str], None]
) -> None:
    began = time.monotonic()

    # README, "Start": to the address that it prints.
    said = newcomer.start()
    started_seconds = time.monotonic() - began
    address = found(r"Open (\S+)", said)
    assert f"<{address.rstrip('/')}>" in newcomer.page("README.md")
    alice = Person(chromium.new_context(), address.rstrip("/"), "alice")
    alice.page.goto(address)
    alice.page.get_by_role("link", name="Make an account").click()
    alice.page.get_by_label("Account name").fill("alice")
    alice.page.get_by_label("Password").fill("correct horse battery")
    alice.page.get_by_role("button", name="Make the account").click()
    alice.wait_until_online()

    # README, "From a program or a thing": the page about things, and what its lines need.
    things = newcomer.page(found(r"\[docs/things\]\((\S+)\)", newcomer.page("README.md")))
    assert has_mosquitto_pub(found(r"`sudo apt-get install (\S+)`", things))

    # That page, "Making one".
    link, heading = re.findall(r"\*(\w+) → (\w+)\* makes one", things)[0]
    alice.page.get_by_role("link", name=link).click()
    expect(alice.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    alice.page.get_by_label("Account name of the thing").fill("front-door")
    alice.page.get_by_role("button", name="Make", exact=True).click()
    dialog = alice.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    newcomer.paste(dialog.locator("[data-part=publish]").text_content() or "")
    dialog.get_by_role("button", name="Close").click()
    alice.page.get_by_role("link", name="Back to the chat").click()
    alice.page.locator("[data-peer=front-door]").click()
    alice.sees(found(r"and `(\w+)` stands in your chat", things))

    seconds = time.monotonic() - began
    tell(f"newcomer, from git clone to a thing's message in the chat: {seconds:.1f} s")
    tell(f"first start, from a fresh clone: {started_seconds:.1f} s")
    alice.context.close()
    assert alice.problems == []


def test_two_people_talk_in_a_fresh_clone_and_find_it_after_a_second_start(
    newcomer: Newcomer, chromium: Browser, tell: Callable[[str], None]
) -> None:
    address = found(r"Open (\S+)/", newcomer.start())
    bob, carol = (Person(chromium.new_context(), address, name) for name in ("bob", "carol"))

    bob.register("Bob")
    carol.register("Carol")
    bob.talk_to(carol).write("Hello Carol")
    carol.open(bob).write("Hello Bob")
    bob.sees("Hello Carol", "Hello Bob")
    newcomer.stop()

    began = time.monotonic()
    newcomer.start()
    tell(f"second start, to a served page: {time.monotonic() - began:.1f} s")
    for person in (bob, carol):
        person.visit("/")
        person.wait_until_online()
    carol.open(bob).sees("Hello Carol", "Hello Bob")
    bob.open(carol).sees("Hello Carol", "Hello Bob")


def found(pattern: str, page: str) -> str:
    """What the page says there, wherever its lines end."""
    match = re.search(pattern, " ".join(page.split()))
    assert match is not None, f"nobody says {pattern}"
    return match[1]


def has_mosquitto_pub(package: str) -> bool:
    """Whether it is that package of Debian's which has the program, if any has it here."""
    program = needs("mosquitto_pub")
    if find_program("dpkg") is None:
        return True
    asked = subprocess.run(["dpkg", "-S", program], capture_output=True, text=True, check=False)
    return asked.returncode != 0 or asked.stdout.startswith(f"{package}:")
