"""A conversation longer than what a page holds: a window of it slides with the reader."""

from playwright.sync_api import Locator, expect

from tests.end_to_end.person import Person
from tests.end_to_end.program import Program
from tests.end_to_end.running_up import Up

MANY = 650
MOST_SHOWN = 400  # web/static/window.js


def test_a_window_slides_with_the_reader_up_to_the_first_message_and_back_to_the_newest(
    katydid: Up, alice: Person, bob: Person
) -> None:
    Program(katydid.url, bob).send(alice, *[f"Message {number}" for number in range(1, MANY + 1)])
    alice.open(bob)
    expect(alice.messages.last).to_have_text(f"Message {MANY}")
    jump = alice.page.locator("[data-jump]")

    _scroll_until(alice, "each.scrollTop = 0", "1")
    numbers = _numbers(alice)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) <= MOST_SHOWN
    _scroller(alice).focus()
    bob.talk_to(alice).write("Meanwhile")
    expect(jump).to_have_text("1 new message")
    expect(alice.page.get_by_text("Message 1", exact=True)).to_be_in_viewport()

    _scroll_until(alice, "each.scrollTop = each.scrollHeight", str(MANY + 1))
    numbers = _numbers(alice)
    assert numbers == list(range(MANY + 2 - len(numbers), MANY + 2))
    assert len(numbers) <= MOST_SHOWN
    expect(_scroller(alice)).to_be_focused()

    _scroll_until(alice, "each.scrollTop = 0", "1")
    jump.click()
    expect(alice.messages.last).to_have_text("Meanwhile")
    expect(alice.messages.last).to_be_in_viewport()
    expect(jump).to_be_hidden()


def _scroll_until(person: Person, change: str, seq: str) -> None:
    """Scroll to an end of what is shown, again and again, until this message is shown."""
    person.page.wait_for_function(
        f"""seq => {{
            const each = document.querySelector('[data-scroller]');
            {change};
            return each.querySelector(`[data-seq="${{seq}}"]`) !== null;
        }}""",
        arg=seq,
        timeout=30_000,
    )


def _numbers(person: Person) -> list[int]:
    """The numbers of the messages in the document, from top to bottom."""
    found = _scroller(person).evaluate(
        "each => [...each.querySelectorAll('[data-seq]')].map(({ dataset }) => +dataset.seq)"
    )
    return [int(number) for number in found]


def _scroller(person: Person) -> Locator:
    return person.page.locator("[data-scroller]")
