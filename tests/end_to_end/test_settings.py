"""The settings page: devices are listed, added, shown again and revoked."""

from playwright.sync_api import Locator, expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import Person


def test_a_device_is_added_and_its_credential_shown_again(alice: Person) -> None:
    alice.visit("/settings")
    expect(_device(alice, "Chrome on Linux")).to_contain_text("this browser")

    alice.page.get_by_label("Name", exact=True).fill("Garden sensor")
    alice.page.get_by_role("button", name="Add").click()
    dialog = alice.page.get_by_role("dialog")
    password = dialog.locator("[data-part=password]").inner_text()
    assert len(password) > 20
    expect(dialog.locator("[data-part=subscribe]")).to_contain_text("mosquitto_sub -V mqttv5")
    dialog.get_by_role("button", name="Close").click()

    alice.page.get_by_role("button", name="Credential of Garden sensor").click()
    expect(dialog.locator("[data-part=password]")).to_have_text(password)


def test_a_revoked_device_is_asked_about_first_and_then_gone(alice: Person) -> None:
    alice.visit("/settings")
    alice.page.get_by_label("Name", exact=True).fill("Old phone")
    alice.page.get_by_label("Kind").select_option("phone")
    alice.page.get_by_role("button", name="Add").click()
    alice.page.get_by_role("dialog").get_by_role("button", name="Close").click()

    alice.page.get_by_role("button", name="Revoke Old phone").click()
    alice.page.get_by_role("button", name="Keep it").click()
    expect(_device(alice, "Old phone")).to_be_visible()

    alice.page.get_by_role("button", name="Revoke Old phone").click()
    alice.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(_device(alice, "Old phone")).to_have_count(0)
    expect(_device(alice, "Chrome on Linux")).to_be_visible()


def test_a_browser_that_is_revoked_elsewhere_is_told_and_hears_nothing_more(
    new_visitor: NewPerson, alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("Before")
    at_work = new_visitor("alice", user_agent="Mozilla/5.0 (Windows NT 10.0) Firefox/150.0")
    at_work.log_in()
    at_work.open(bob).sees("Before")

    at_work_device = "Firefox on Windows"
    settings = alice.another_tab("/settings")
    settings.page.get_by_role("button", name=f"Revoke {at_work_device}").click()
    settings.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(_device(settings, at_work_device)).to_have_count(0)

    expect(at_work.page.get_by_role("heading", name="This browser was signed out")).to_be_visible()
    bob.open(alice).write("Behind her back")
    alice.sees("Before", "Behind her back")
    at_work.sees()  # whoever sits there now need not be her
    at_work.page.get_by_role("link", name="Log in").click()
    expect(at_work.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()


def test_revoking_the_browser_in_use_leads_to_the_login(alice: Person) -> None:
    alice.visit("/settings")

    alice.page.get_by_role("button", name="Revoke Chrome on Linux").click()
    expect(alice.page.get_by_role("dialog")).to_contain_text("logged out at once")
    alice.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()

    expect(alice.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()


def test_a_stranger_is_accepted_or_blocked(new_person: NewPerson, alice: Person) -> None:
    settings = alice.another_tab("/settings")
    settings.page.get_by_label("Strangers have to be accepted first").check()
    expect(settings.page.get_by_text("Saved.")).to_be_visible()
    ivan, mallory = new_person("ivan"), new_person("mallory")
    ivan.talk_to(alice).write("We met at the lake")
    mallory.talk_to(alice).write("Buy this")

    expect(alice.line(ivan)).to_contain_text("Request")
    alice.open(ivan).sees("We met at the lake")
    expect(alice.page.get_by_text("writes to you for the first time")).to_be_visible()
    alice.page.get_by_role("button", name="Accept").click()
    expect(alice.page.get_by_text("writes to you for the first time")).to_be_hidden()
    ivan.write("Do you remember?")
    ivan.sees_state("We met at the lake", "read")

    alice.open(mallory)
    alice.page.get_by_role("button", name="Block…").click()
    dialog = alice.page.get_by_role("dialog")
    dialog.get_by_label("Report as well").check()
    dialog.get_by_label("What is wrong?").fill("She sells things.")
    dialog.get_by_role("button", name="Block").click()
    expect(alice.page.get_by_text("You have blocked")).to_be_visible()
    expect(alice.page.get_by_text("writes to you for the first time")).to_be_hidden()
    mallory.write("Are you there?")
    mallory.sees_state("Are you there?", "refused")


def _device(person: Person, name: str) -> Locator:
    return person.page.locator("[data-device]", has_text=name)
