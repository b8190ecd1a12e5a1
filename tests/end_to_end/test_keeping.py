"""For how long messages are kept: either of two says so in the conversation's menu, and both see
what holds."""

from playwright.sync_api import Locator, expect

from tests.end_to_end.person import Person
from tests.end_to_end.running_up import Up
from tests.end_to_end.test_put_back import change


def menu_line(person: Person) -> Locator:
    person.page.get_by_role("button", name="Conversation options").click()
    return person.page.get_by_role("menuitem", name="Kept")


def keep(person: Person, words: str) -> None:
    menu_line(person).click()
    person.page.get_by_label("For my part, keep them").select_option(words)
    person.page.get_by_role("button", name="Save").click()
    expect(person.page.get_by_role("dialog", name="Keep messages")).to_be_hidden()
    expect(person.page.get_by_role("button", name="Conversation options")).to_be_focused()


def test_the_shorter_time_that_either_wants_is_shown_to_both(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("One")
    bob.open(alice).sees("One")
    expect(menu_line(alice)).to_have_text("Kept for ever…")
    alice.page.keyboard.press("Escape")

    keep(alice, "For 30 days")
    expect(menu_line(alice)).to_have_text("Kept for 30 days…")
    bob.page.reload()
    bob.wait_until_online()
    expect(menu_line(bob)).to_have_text("Kept for 30 days…")
    bob.page.keyboard.press("Escape")

    keep(bob, "For a day")
    expect(menu_line(bob)).to_have_text("Kept for a day…")
    bob.page.keyboard.press("Escape")
    keep(bob, "For ever")
    expect(menu_line(bob)).to_have_text("Kept for 30 days…")


def test_it_is_chosen_by_keyboard_too(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("One")
    alice.sees("One")
    keyboard = alice.page.keyboard

    alice.page.get_by_role("button", name="Conversation options").press("Enter")
    expect(alice.page.get_by_role("menuitemcheckbox", name="Pin above others")).to_be_focused()
    keyboard.press("End")
    keyboard.press("Enter")
    dialog = alice.page.get_by_role("dialog", name="Keep messages")
    expect(dialog).to_be_visible()
    keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(alice.page.get_by_role("button", name="Conversation options")).to_be_focused()


def test_a_time_that_a_program_chose_is_among_those_offered(
    katydid: Up, alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("One")
    alice.sees_state("One", "archived")
    change(katydid, alice, bob, "UPDATE member SET keep_days = 45 WHERE conversation_id = ITS_ID")
    alice.page.reload()
    alice.wait_until_online()

    menu_line(alice).click()

    expect(alice.page.get_by_label("For my part, keep them")).to_have_value("45")


def test_what_is_no_longer_kept_goes_from_the_copy_on_the_disk_too(
    katydid: Up, alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("One")
    alice.sees_state("One", "archived")
    change(katydid, alice, bob, "UPDATE message SET stored_at = 1 WHERE conversation_id = ITS_ID")
    bob.page.reload()
    bob.open(alice)
    alice.write("Two")
    bob.sees("One", "Two")
    alice.sees_state("Two", "read")
    change(
        katydid,
        alice,
        bob,
        "DELETE FROM message WHERE conversation_id = ITS_ID AND seq = 1",
        "UPDATE member SET keep_days = 7 WHERE conversation_id = ITS_ID",
    )

    bob.page.reload()
    bob.wait_until_online()

    bob.sees("Two")
