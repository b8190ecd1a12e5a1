"""Finding one's way: what is new, a message by its link, what was said once, what is put aside."""

import re

from playwright.sync_api import APIResponse, Locator, Route, expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import Person
from tests.end_to_end.program import Program
from tests.end_to_end.running_up import Up

MANY = 150


def test_new_messages_begin_at_a_line_and_each_message_has_a_link_and_is_found(
    katydid: Up, alice: Person, bob: Person
) -> None:
    said = [f"Message {number}" for number in range(1, MANY + 1)]
    said[9] = "A <b>quetzal</b> in the lemon tree"
    Program(katydid.url, bob).send(alice, *said)
    expect(alice.line(bob)).to_contain_text(f"Message {MANY}")
    expect(alice.line(bob)).to_contain_text("99+ unread")

    # What is new begins further up than is loaded; one is taken there.
    alice.open(bob)
    expect(alice.messages.last).to_be_in_viewport()
    alice.page.get_by_role("button", name=f"{MANY} unread messages").click()
    divider = alice.page.locator("[data-divider]")
    expect(divider).to_be_in_viewport()
    expect(alice.message("Message 1").first).to_be_in_viewport()
    expect(alice.page.locator("[data-jump-unread]")).to_be_hidden()
    alice.page.get_by_role("button", name="Newest messages").click()
    expect(alice.messages.last).to_have_text(f"Message {MANY}")

    # A word leads to its message, far up in the history.
    field = alice.page.get_by_role("searchbox", name="Search messages")
    field.fill("QUETZAL lemon")
    results = alice.page.locator("[data-result-list] a")
    expect(results).to_have_count(1)
    assert results.locator("mark").all_inner_texts() == ["quetzal", "lemon"]
    expect(results).to_contain_text("A <b>quetzal</b> in the lemon tree")
    results.press("Enter")
    _is_shown(alice.message("quetzal"))
    expect(alice.page).to_have_url(re.compile(rf"/#{bob.account}/10$"))

    # Its link leads there too, from a new page, and for the one who wrote it.
    alice.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice.message("quetzal").get_by_role("button", name="Message actions").press("Enter")
    alice.page.get_by_role("button", name="Copy link").click()
    expect(alice.page.locator("[data-announcements]")).to_have_text("Copied.")
    link = alice.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{katydid.url}/#{alice.account},{bob.account}/10"
    for person in (alice.another_tab(), bob):
        person.visit(f"/#{alice.account},{bob.account}/10")
        _is_shown(person.message("quetzal"))

    # Nothing is found where it was not said, nor by Bob's words of another day.
    alice.page.get_by_label("From").fill("2001-01-01")
    alice.page.get_by_label("To").fill("2001-01-02")
    expect(alice.page.get_by_text("Nothing was found.")).to_be_visible()
    field.press("Escape")
    expect(alice.line(bob)).to_be_visible()


def test_a_conversation_is_pinned_muted_and_archived_by_keyboard(
    alice: Person, bob: Person, new_person: NewPerson
) -> None:
    carol = new_person("carol")
    bob.talk_to(alice).write("From Bob")
    expect(alice.line(bob)).to_be_visible()
    carol.talk_to(alice).write("From Carol")
    expect(alice.page.locator("[data-conversations] > li").first).to_contain_text("From Carol")

    alice.open(bob)
    expect(_sign(alice, bob, "pinned")).to_be_hidden()
    _choose(alice, "Pin above others")
    expect(alice.page.locator("[data-conversations] > li").first).to_contain_text("From Bob")
    expect(_sign(alice, bob, "pinned")).to_be_visible()

    _choose(alice, "Archive")
    archive = alice.page.locator("[data-archive]")
    expect(archive).to_contain_text("Archived (1)")
    alice.open(carol)
    bob.write("Are you there?")
    expect(archive).to_be_hidden()
    expect(alice.line(bob)).to_contain_text("1 unread")
    expect(alice.page).to_have_title("(1) Katydid")

    alice.open(bob)
    _choose(alice, "Mute")
    _choose(alice, "Archive")
    alice.open(carol)
    bob.write("And now?")
    expect(alice.line(bob)).to_have_attribute("data-muted", "true")
    expect(alice.line(bob)).to_contain_text("And now?")
    expect(alice.page).to_have_title("Katydid")
    alice.page.reload()
    expect(archive).to_contain_text("Archived (1)")
    archive.locator("summary").press("Enter")
    expect(alice.line(bob)).to_be_visible()
    expect(_sign(alice, bob, "muted")).to_be_visible()


def test_a_list_that_was_asked_for_before_does_not_undo_what_is_chosen_meanwhile(
    alice: Person, bob: Person, new_person: NewPerson
) -> None:
    bob.talk_to(alice).write("From Bob")
    alice.open(bob)
    expect(alice.line(bob)).to_contain_text("Bob")
    dave = new_person("dave")
    late: list[tuple[Route, APIResponse]] = []
    alice.page.route("**/api/v1/conversations", lambda route: late.append((route, route.fetch())))
    dave.talk_to(alice).write("Good morning")
    while not late:
        alice.page.wait_for_timeout(20)

    _choose(alice, "Pin above others")
    [(route, response)] = late
    route.fulfill(response=response)

    expect(alice.line(dave)).to_contain_text("Dave")
    expect(_sign(alice, bob, "pinned")).to_be_visible()
    expect(alice.page.locator("[data-conversations] > li").first).to_contain_text("From Bob")


def _sign(person: Person, other: Person, name: str) -> Locator:
    return person.line(other).locator(f"[data-part={name}]")


def _is_shown(message: Locator) -> None:
    expect(message).to_have_attribute("data-found", "")
    expect(message).to_be_in_viewport()


def _choose(person: Person, name: str) -> None:
    """By keyboard alone."""
    button = person.page.get_by_role("button", name="Conversation options")
    button.press("Enter")
    expect(person.page.get_by_role("menuitemcheckbox").first).to_be_focused()
    item = person.page.get_by_role("menuitemcheckbox", name=name)
    for _ in range(3):
        if item.evaluate("each => each === document.activeElement"):
            break
        person.page.keyboard.press("ArrowDown")
    person.page.keyboard.press("Enter")
    expect(person.page.get_by_role("menu")).to_be_hidden()
    expect(button).to_be_focused()
