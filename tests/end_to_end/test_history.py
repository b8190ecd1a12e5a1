"""A long conversation: history is loaded upward, and the reader's place is kept."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.end_to_end.person import Person
from tests.end_to_end.program import Program
from tests.end_to_end.running_up import Up

MANY = 300
LINES_OF_HISTORY = [f"Message {number}" for number in range(1, MANY + 1)]


def test_history_loads_upward_in_order_and_keeps_the_readers_place(
    katydid: Up, alice: Person, bob: Person
) -> None:
    Program(katydid.url, bob).send(alice, *LINES_OF_HISTORY)
    expect(alice.line(bob)).to_contain_text(f"Message {MANY}")
    alice.page.reload()
    alice.open(bob)
    expect(alice.messages.last).to_have_text(f"Message {MANY}")
    expect(alice.messages.nth(40)).to_be_attached()
    assert alice.messages.count() < MANY

    while alice.messages.count() < MANY:
        count, topmost = _scroll_to_the_top(alice)
        if count == MANY:  # the last of it came meanwhile
            break
        alice.page.wait_for_function(
            "count => document.querySelectorAll('[data-message]').length > count", arg=count
        )
        expect(alice.page.get_by_text(topmost, exact=True)).to_be_in_viewport()

    assert alice.messages.all_inner_texts() == LINES_OF_HISTORY
    expect(alice.page.locator("[data-messages] > li").first).to_have_text("Today")


def test_who_reads_further_up_stays_there_and_is_told_of_new_messages(
    katydid: Up, alice: Person, bob: Person
) -> None:
    Program(katydid.url, bob).send(alice, *LINES_OF_HISTORY[:100])
    bob.open(alice)
    alice.open(bob)
    expect(alice.messages.last).to_have_text("Message 100")
    expect(alice.messages.nth(40)).to_be_attached()
    jump = alice.page.locator("[data-jump]")
    expect(jump).to_be_hidden()

    _scroll(alice, "each.scrollTop -= 1500")
    expect(jump).to_be_visible()
    expect(jump).to_have_text("Newest messages")
    expect(alice.messages).to_have_count(100)  # so that no more history moves the place
    place = _place(alice)
    bob.write("One more")
    expect(jump).to_have_text("1 new message")
    assert _place(alice) == place

    jump.click()
    expect(alice.messages.last).to_have_text("One more")
    expect(alice.messages.last).to_be_in_viewport()
    expect(jump).to_be_hidden()

    _scroll(alice, "each.scrollTop -= 1500")
    expect(jump).to_be_visible()
    alice.write("Here I am")
    expect(alice.messages.last).to_have_text("Here I am")
    expect(alice.messages.last).to_be_in_viewport()


def _scroll_to_the_top(person: Person) -> tuple[int, str]:
    """How many messages were there then, and the text of the first one."""
    count, topmost = _scroller(person).evaluate(
        """each => {
            const texts = each.querySelectorAll('[data-part=text]');
            each.scrollTop = 0;
            return [texts.length, texts[0].textContent];
        }"""
    )
    return count, topmost


def _scroller(person: Person) -> Locator:
    return person.page.locator("[data-scroller]")


def _scroll(person: Person, change: str) -> None:
    _scroller(person).evaluate(f"each => {{ {change} }}")


def _place(person: Person) -> Any:
    return _scroller(person).evaluate("each => each.scrollTop")
