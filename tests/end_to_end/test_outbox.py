"""What is written arrives once and in order, whatever happens on the way."""

from playwright.sync_api import expect

from tests.end_to_end.person import Person

NUMBERED = [f"Line {number}" for number in range(1, 11)]


def test_what_was_written_offline_arrives_once_and_in_order(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("Before")
    bob.open(alice).sees("Before")

    with alice.offline():
        alice.write(*NUMBERED)
        expect(
            alice.page.get_by_text("what you write is sent when the network is back")
        ).to_be_visible()
        alice.sees_state("Line 10", "waiting")

    bob.sees("Before", *NUMBERED)
    alice.sees("Before", *NUMBERED)
    alice.sees_state("Line 10", "read")


def test_the_outbox_outlives_the_page(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("Before")
    bob.open(alice).sees("Before")
    with alice.offline():
        alice.write(*NUMBERED)
        alice.sees_state("Line 10", "waiting")
        alice.page.close()

    again = alice.another_tab(f"/#{bob.account}")

    bob.sees("Before", *NUMBERED)
    again.sees("Before", *NUMBERED)
    again.sees_state("Line 10", "read")


def test_what_comes_while_a_browser_is_offline_is_there_when_it_is_back(
    alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("Before")
    bob.open(alice).sees("Before")

    with alice.offline():
        bob.write(*NUMBERED)
        bob.sees_state("Line 10", "archived")

    alice.sees("Before", *NUMBERED)
    bob.sees_state("Line 10", "read")


def test_a_refused_message_says_why_and_can_be_discarded(alice: Person, bob: Person) -> None:
    alice.talk_to(bob)
    alice.write("\x1f")  # blank to the archive, though not to a browser
    refused = alice.page.locator("[data-message]")
    expect(refused).to_have_attribute("data-state", "refused")
    expect(refused).to_contain_text("The text is empty.")

    alice.page.reload()
    expect(refused).to_have_attribute("data-state", "refused")
    refused.get_by_role("button", name="Try again").click()
    expect(refused).to_have_attribute("data-state", "refused")
    refused.get_by_role("button", name="Discard").click()

    alice.write("Something")
    bob.open(alice).sees("Something")
    alice.sees("Something")
