"""What is done to a message after it was sent: answered, edited, unsent, reacted to and copied, by
mouse, keyboard and touch, and seen in place by everybody, at once and later."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import Person
from tests.end_to_end.program import Program
from tests.end_to_end.running_up import Up
from tests.running import wait_until

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

# Of the second message, as it is on disk for the next time.
KEPT_REACTIONS = """async ([account, peer]) => {
  const opened = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await opened(indexedDB.open(`katydid seen ${account}`));
  const store = database.transaction('conversations').objectStore('conversations');
  const kept = await opened(store.get(peer));
  database.close();
  return kept?.messages[1]?.reactions;
}"""


@pytest.fixture
def alices_phone(new_visitor: NewPerson, alice: Person) -> Person:
    """A second device of hers; `alice` is the first."""
    return new_visitor("alice", **PHONE).log_in()


def test_what_is_done_to_a_message_is_seen_in_place_by_everybody(
    alice: Person, bob: Person, alices_phone: Person
) -> None:
    everybody = (alice, bob, alices_phone)
    alice.talk_to(bob).write("Shall we meet?", "At siks", "Forget this")
    bob.open(alice)
    alices_phone.open(bob)

    _act(bob, "Shall we meet?", "Reply")
    expect(_about(bob)).to_contain_text("Reply to Alice")
    bob.write("Yes")
    for each in everybody:
        each.sees("Shall we meet?", "At siks", "Forget this", "Yes")
        expect(_quote(each, "Yes")).to_contain_text("Shall we meet?")
    _quote(bob, "Yes").click()
    expect(bob.message("Shall we meet?").locator("[data-act]").last).to_be_focused()

    _field(alice).fill("A draft")
    _act(alice, "At siks", "Edit")
    alice.write("At six")
    expect(_field(alice)).to_have_value("A draft")
    for each in everybody:
        each.sees("Shall we meet?", "At six", "Forget this", "Yes")
        expect(each.message("At six")).to_contain_text("edited")

    _act(alices_phone, "Forget this", "Unsend…", press=Locator.tap)
    alices_phone.page.get_by_role("button", name="Cancel").tap()
    expect(alices_phone.message("Forget this")).to_be_visible()
    _act(alices_phone, "Forget this", "Unsend…", press=Locator.tap)
    alices_phone.page.get_by_role("button", name="Unsend", exact=True).tap()
    for each in everybody:
        each.sees("Shall we meet?", "At six", "Message unsent", "Yes")
        expect(_actions_of(each, "Message unsent")).to_be_hidden()

    _act(bob, "At six", "Thumbs up")
    _act(alices_phone, "At six", "Thumbs up", press=Locator.tap)
    for each in everybody:
        expect(_reaction(each, "At six", "👍")).to_have_text("👍 2 by you and " + _other(each, bob))
        expect(_reaction(each, "At six", "👍")).to_have_attribute("aria-pressed", "true")
    _reaction(alice, "At six", "👍").click()
    for each in everybody:
        expect(_reaction(each, "At six", "👍")).to_contain_text(
            "by you" if each is bob else "by Bob"
        )
    _sees_it_as_it_is_now(alice)
    alice.page.reload()
    _sees_it_as_it_is_now(alice)
    names = [alice.account, bob.account]
    given_by_bob_alone = {bob.account: "👍"}
    wait_until(
        "it to be kept as it is now",
        lambda: alice.page.evaluate(KEPT_REACTIONS, names) == given_by_bob_alone,
    )
    with alice.offline():
        alice.page.reload()
        _sees_it_as_it_is_now(alice)


def test_all_of_it_works_by_keyboard_alone(alice: Person, bob: Person) -> None:
    alice.context.grant_permissions(["clipboard-read", "clipboard-write"])
    keyboard = alice.page.keyboard
    alice.talk_to(bob).write("First", "Secont")
    alice.sees_state("Secont", "delivered")

    _field(alice).press("ArrowUp")
    expect(_field(alice)).to_have_value("Secont")
    keyboard.press("Escape")
    expect(_field(alice)).to_have_value("")
    expect(_about(alice)).to_be_hidden()
    _field(alice).press("ArrowUp")
    keyboard.press("Backspace")
    keyboard.type("d")
    keyboard.press("Enter")
    alice.sees("First", "Second")

    _field(alice).press("Shift+Tab")
    expect(_actions_of(alice, "Second")).to_be_focused()
    keyboard.press("ArrowUp")
    expect(_actions_of(alice, "First")).to_be_focused()
    keyboard.press("Enter")
    expect(_panel(alice).get_by_role("button", name="Thumbs up")).to_be_focused()
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(_reaction(alice, "First", "❤️")).to_be_visible()
    expect(_actions_of(alice, "First")).to_be_focused()
    keyboard.press("Enter")
    field = _panel(alice).get_by_label("Another emoji")
    field.focus()
    keyboard.type("no")
    keyboard.press("Enter")
    expect(_panel(alice).get_by_role("alert")).to_have_text("One emoji, please.")
    field.fill("🦗")
    keyboard.press("Enter")
    expect(_reaction(alice, "First", "🦗")).to_be_visible()
    expect(_reaction(alice, "First", "❤️")).to_have_count(0)
    keyboard.press("Enter")
    keyboard.press("Escape")
    expect(_panel(alice)).to_be_hidden()
    expect(_actions_of(alice, "First")).to_be_focused()
    _act(alice, "First", "Copy text", press=lambda control: control.press("Enter"))
    expect(alice.page.locator("[data-announcements]")).to_have_text("Copied.")
    assert alice.page.evaluate("navigator.clipboard.readText()") == "First"


def test_what_is_done_without_a_network_goes_out_in_order_and_a_refusal_is_told(
    katydid: Up, alice: Person, bob: Person
) -> None:
    bob_with_a_program = Program(katydid.url, bob)
    bob.talk_to(alice).write("Taken back meanwhile", "To be answered")
    alice.open(bob).sees("Taken back meanwhile", "To be answered")
    alice.write("Mine")
    alice.sees_state("Mine", "read")

    with alice.offline():
        _act(alice, "Mine", "Edit")
        alice.write("Mine, better")
        _act(alice, "To be answered", "Heart")
        _act(alice, "To be answered", "Reply")
        alice.write("The answer")
        _act(alice, "Taken back meanwhile", "Reply")
        alice.write("In vain")
        alice.sees(
            "Taken back meanwhile", "To be answered", "Mine, better", "The answer", "In vain"
        )
        bob_with_a_program.send(alice, '{"id": "unsend", "seq": 1}', verb="unsend")
        bob.sees("Message unsent", "To be answered", "Mine")
        alice.page.reload()
        alice.sees(
            "Taken back meanwhile", "To be answered", "Mine, better", "The answer", "In vain"
        )

    bob.sees("Message unsent", "To be answered", "Mine, better", "The answer")
    expect(_reaction(bob, "To be answered", "❤️")).to_be_visible()
    expect(_quote(bob, "The answer")).to_contain_text("To be answered")
    alice.sees_state("In vain", "refused")
    expect(alice.message("In vain")).to_contain_text("was unsent")
    alice.message("In vain").get_by_role("button", name="Discard").click()
    alice.sees("Message unsent", "To be answered", "Mine, better", "The answer")

    bob.page.get_by_role("button", name="Block Alice").click()
    bob.page.get_by_role("button", name="Block", exact=True).click()
    expect(bob.page.get_by_text("You have blocked Alice")).to_be_visible()
    _act(alice, "Mine, better", "Edit")
    alice.write("Mine, for the blocked")
    mine = alice.message("Mine, better")
    expect(mine).to_contain_text(f"Not edited: {bob.account} does not accept messages from you.")
    mine.get_by_role("button", name="Discard").click()
    expect(mine.get_by_role("button", name="Discard")).to_be_hidden()


def test_an_answer_leads_to_a_message_far_up(katydid: Up, alice: Person, bob: Person) -> None:
    texts = [f'{{"id": "{number}", "text": "Message {number}"}}' for number in range(1, 241)]
    Program(katydid.url, bob).send(alice, *texts, '{"id": "a", "text": "Far", "reply_to": 3}')
    alice.open(bob)

    expect(_quote(alice, "Far")).to_contain_text("Message 3")
    _quote(alice, "Far").click()

    target = alice.page.locator("[data-seq='3']")
    expect(target).to_be_in_viewport()
    expect(target.locator("[data-act]")).to_be_focused()
    expect(alice.page.locator("[data-jump]")).to_be_visible()


def _sees_it_as_it_is_now(alice: Person) -> None:
    alice.sees("Shall we meet?", "At six", "Message unsent", "Yes")
    expect(_reaction(alice, "At six", "👍")).to_have_attribute("aria-pressed", "false")
    expect(_quote(alice, "Yes")).to_contain_text("Shall we meet?")
    expect(alice.message("At six")).to_contain_text("edited")


def _act(
    person: Person, text: str, action: str, *, press: Callable[[Locator], None] = Locator.click
) -> None:
    """By the button of the message, which a mouse sees when it is there."""
    if press is Locator.click:
        person.message(text).hover()
    press(_actions_of(person, text))
    press(_panel(person).get_by_role("button", name=action, exact=True))


def _actions_of(person: Person, text: str) -> Locator:
    return person.message(text).locator("[data-act]")


def _panel(person: Person) -> Locator:
    return person.page.get_by_role("dialog", name="Message actions")


def _reaction(person: Person, text: str, emoji: str) -> Locator:
    return person.message(text).locator(f"[data-reaction='{emoji}']")


def _quote(person: Person, text: str) -> Locator:
    return person.message(text).locator("[data-part=quote]")


def _about(person: Person) -> Locator:
    return person.page.locator("[data-about]")


def _field(person: Person) -> Locator:
    return person.page.get_by_label("Message", exact=True)


def _other(person: Person, bob: Person) -> str:
    return "Alice" if person is bob else "Bob"
