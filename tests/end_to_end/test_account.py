"""One's own account on the pages, from an invitation to the deletion, with a peer who looks on."""

import json
from collections.abc import Iterator
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from tests.conftest import needs
from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import PASSWORD, Person
from tests.end_to_end.running_up import Up

NEW_PASSWORD = "a whole new battery"


@pytest.fixture(scope="module")
def katydid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """An installation of its own, where accounts are made by invitation."""
    needs("mosquitto")
    up = Up(tmp_path_factory.mktemp("katydid"), KATYDID_REGISTRATION="invite")
    yield up
    up.stop()


def test_a_name_is_seen_by_the_peer_and_only_the_new_password_logs_in(
    new_visitor: NewPerson, alice: Person, bob: Person
) -> None:
    at_work = new_visitor("alice", user_agent="Mozilla/5.0 (Windows NT 10.0) Firefox/150.0")
    at_work.log_in()
    alice.visit("/settings")

    alice.page.get_by_label("Display name").fill("Alice Lindqvist")
    alice.page.get_by_role("button", name="Save").click()
    expect(alice.page.get_by_text("Saved.")).to_be_visible()
    bob.talk_to(alice)
    expect(bob.page.get_by_role("heading", name="Alice Lindqvist")).to_be_visible()

    alice.page.get_by_role("button", name="Revoke all others").click()
    alice.page.get_by_role("button", name="Revoke them").click()
    expect(alice.page.get_by_text("1 device revoked.")).to_be_visible()
    expect(at_work.page.get_by_role("heading", name="This browser was signed out")).to_be_visible()

    _change_password(alice, present="a wrong guess", new=NEW_PASSWORD)
    expect(alice.page.locator("[data-password-problem]")).to_be_visible()
    _change_password(alice, present=PASSWORD, new=NEW_PASSWORD)
    expect(alice.page.get_by_text("The password is changed.")).to_be_visible()
    at_work.page.get_by_role("link", name="Log in").click()
    _try_to_log_in(at_work, PASSWORD)
    expect(at_work.page.get_by_role("alert")).to_be_visible()
    _try_to_log_in(at_work, NEW_PASSWORD)
    at_work.wait_until_online()


def test_who_was_invited_is_blocked_and_unblocked_and_sees_the_account_deleted(
    new_visitor: NewPerson, alice: Person
) -> None:
    settings = alice.another_tab("/settings")
    settings.page.get_by_role("button", name="Make a link").click()
    expect(settings.page.get_by_text("A new link was made.")).to_be_visible()
    link = settings.page.get_by_label("Link, shown this once").input_value()
    ivan = new_visitor("ivan").register("Ivan", link=link)
    ivan.talk_to(alice).write("Thank you for having me")
    alice.open(ivan).sees("Thank you for having me")

    alice.page.get_by_role("button", name="Block").click()
    alice.page.get_by_role("dialog").get_by_role("button", name="Block").click()
    expect(alice.page.get_by_text("You have blocked Ivan")).to_be_visible()
    ivan.write("Are you there?")
    ivan.sees_state("Are you there?", "refused")
    settings.page.reload()
    settings.page.get_by_role("button", name="Unblock Ivan").click()
    expect(settings.page.get_by_text("Ivan can write to you again.")).to_be_visible()
    ivan.write("And now?")
    alice.sees("Thank you for having me", "And now?")

    assert _exported_texts(settings) == ["Thank you for having me", "And now?"]

    settings.page.get_by_role("button", name="Delete…").click()
    dialog = settings.page.get_by_role("dialog")
    dialog.get_by_label("Erase them for everybody").check()
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Delete for ever").click()
    expect(dialog).to_contain_text("Your account is deleted")
    dialog.get_by_role("button", name="Leave").click()
    expect(settings.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()
    ivan.page.reload()
    ivan.open(alice)
    expect(ivan.page.get_by_text("This account was deleted.")).to_be_visible()


def _change_password(person: Person, *, present: str, new: str) -> None:
    person.page.get_by_label("Present password").fill(present)
    person.page.get_by_label("New password").fill(new)
    person.page.get_by_role("button", name="Change").click()


def _try_to_log_in(person: Person, password: str) -> None:
    person.page.get_by_label("Account name").fill(person.account)
    person.page.get_by_label("Password").fill(password)
    person.page.get_by_role("button", name="Log in").click()


def _exported_texts(person: Person) -> list[str]:
    """Of all messages in the archive that the page offers."""
    with person.page.expect_download() as download:
        person.page.get_by_role("link", name="Export").click()
    with ZipFile(download.value.path()) as archive:
        lines = archive.read("messages.jsonl").splitlines()
    return [json.loads(line)["text"] for line in lines]
