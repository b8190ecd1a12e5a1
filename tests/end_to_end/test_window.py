"""A conversation longer than what a page holds: a window of it slides with the reader."""

import re

from playwright.sync_api import Locator, expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import PASSWORD, Person
from tests.end_to_end.program import Program
from tests.end_to_end.running_up import Up

MANY = 650
WRITTEN = 120  # more than two of the pages that are fetched
# As on a machine with much else to do: frames are painted first.
TIMERS_COME_LATE = """
const onTime = setTimeout;
window.setTimeout = (what, milliseconds = 0, ...more) => onTime(what, milliseconds + 100, ...more);
"""
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


def test_a_window_that_one_page_does_not_fill_is_filled_without_a_scroll(
    katydid: Up, bob: Person, new_visitor: NewPerson
) -> None:
    alice = new_visitor("alice", viewport={"width": 800, "height": 8_000})
    alice.page.add_init_script(TIMERS_COME_LATE)
    _write_to(alice, katydid, bob)

    alice.log_in().open(bob)

    expect(alice.messages).to_have_count(WRITTEN)


def test_a_page_that_could_not_be_had_is_asked_for_again(
    katydid: Up, bob: Person, new_visitor: NewPerson
) -> None:
    alice = new_visitor("alice", service_workers="block")
    _write_to(alice, katydid, bob)
    refusal = "Not this time."
    older = re.compile("/messages[?]before=")
    alice.log_in().page.route(
        older, lambda route: route.fulfill(status=418, json={"detail": refusal})
    )
    with alice.page.expect_response(older):
        alice.open(bob)

    alice.page.unroute(older)
    _scroll_until(alice, "each.scrollTop = 0; each.dispatchEvent(new Event('scroll'))", "1")

    assert refusal in alice.problems
    alice.problems.clear()


def _write_to(person: Person, katydid: Up, sender: Person) -> None:
    """More than one page, before the person comes."""
    katydid.add_account(person.account, password=PASSWORD)
    Program(katydid.url, sender).send(person, *[f"Message {n}" for n in range(1, WRITTEN + 1)])


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
