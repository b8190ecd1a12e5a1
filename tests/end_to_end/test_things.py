"""Things, from the settings page to what they say in the chat: the lines and programs that the page
shows are run as they are."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, expect

from chat.settings import REPOSITORY
from tests.conftest import needs
from tests.docs.board_compiler import compile_for_a_board
from tests.end_to_end.person import Person
from tests.running import wait_until


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A program that runs until the test has seen enough of it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


def test_a_thing_is_made_talks_and_is_deleted_again(
    alice: Person, bob: Person, tmp_path: Path
) -> None:
    name = f"door-of-{alice.account}"
    settings = alice.another_tab("/settings").page
    settings.get_by_label("Account name of the thing").fill(name)
    settings.get_by_label("Shown as").fill("Front door")
    settings.get_by_role("button", name="Make", exact=True).click()
    dialog = settings.get_by_role("dialog", name="How Front door connects")
    expect(dialog.get_by_role("img")).to_be_visible()
    assert dialog.get_by_role("img").evaluate("each => each.naturalWidth") > 100

    # What is shown works as it is.
    subprocess.run(shlex.split(_shown(dialog, "publish")), check=True, timeout=30)
    door = alice.page.locator(f"[data-peer={name}]")
    expect(door).to_contain_text("Hello")
    expect(door.get_by_text("thing")).to_have_count(1)
    door.click()
    alice.sees("Hello")
    program = tmp_path / "thing.py"
    program.write_text(_shown(dialog, "python"))
    with running(sys.executable, str(program)):
        alice.sees("Hello", "Hello")
    needs("npm")
    (tmp_path / "node_modules").symlink_to(REPOSITORY / "node_modules")
    program = tmp_path / "thing.mjs"
    program.write_text(_shown(dialog, "node"))
    with running("node", str(program)) as node:
        alice.sees("Hello", "Hello", "Hello")
        alice.write("Who is there?")
        assert node.stdout is not None
        assert any("Who is there?" in line for line in node.stdout)
    compile_for_a_board(_shown(dialog, "micropython"), tmp_path)

    # It is shown once.
    line = _shown(dialog, "publish")
    dialog.get_by_role("button", name="Close").click()
    assert "katydid" not in settings.locator("[data-thing-dialog]").inner_text().lower()
    password = line.split("-P ")[1].split()[0]
    wait_until("the page to forget it", lambda: password not in settings.content())

    # Bob may talk with it as soon as Alice says so.
    bob.talk_to(name).write("May I?")
    bob.sees_state("May I?", "refused")
    settings.get_by_role("button", name="Allowed… Front door").click()
    allowed = settings.get_by_role("dialog", name="Who talks with Front door")
    allowed.get_by_label("Account name").fill("nobody-of-this-name")
    allowed.get_by_role("button", name="Allow").click()
    expect(allowed.get_by_role("alert")).to_contain_text("no account named")
    allowed.get_by_label("Account name").fill(bob.account)
    allowed.get_by_role("button", name="Allow").click()
    expect(allowed.get_by_text(f"{bob.account} may talk with it.")).to_be_visible()
    bob.page.get_by_role("button", name="Try again").click()
    bob.sees_state("May I?", "archived")
    allowed.get_by_role("button", name=f"Take away {bob.account}").click()
    expect(allowed.get_by_text("Nobody else may talk with it.")).to_be_visible()
    allowed.get_by_role("button", name="Close").click()
    bob.write("And now?")
    bob.sees_state("And now?", "refused")

    # With a new credential, the old one is dead.
    settings.get_by_role("button", name="New credential… Front door").click()
    settings.get_by_role("button", name="Make a new one").click()
    expect(dialog).to_be_visible()
    assert _shown(dialog, "publish") != line
    old = subprocess.run(shlex.split(line), check=False, timeout=30, capture_output=True)
    assert old.returncode != 0
    subprocess.run(shlex.split(_shown(dialog, "publish")), check=True, timeout=30)
    expect(alice.messages).to_have_count(5)
    dialog.get_by_role("button", name="Close").click()

    settings.get_by_role("button", name="Delete… Front door").click()
    deletion = settings.get_by_role("dialog", name="Delete Front door for ever?")
    deletion.get_by_label("Erase them for everybody").check()
    deletion.get_by_role("button", name="Delete for ever").click()
    expect(settings.get_by_text("You have no things yet.")).to_be_visible()


def _shown(dialog: Locator, part: str) -> str:
    """Whether or not it is unfolded just now."""
    text = dialog.locator(f"[data-part={part}]").text_content()
    assert text
    return text
