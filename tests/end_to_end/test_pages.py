"""Every page: forms that say what is wrong, nothing wider than a phone, and no errors."""

import pytest
from playwright.sync_api import expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import PASSWORD, Person

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def test_registering_says_beside_the_field_what_is_wrong(
    new_visitor: NewPerson, alice: Person
) -> None:
    carol = new_visitor("carol")
    carol.visit("/register")
    carol.page.get_by_label("Account name").fill(alice.account)
    carol.page.get_by_label("Display name").fill("Carol")
    carol.page.get_by_label("Password").fill(PASSWORD)
    carol.page.get_by_role("button", name="Make the account").click()

    name = carol.page.get_by_label("Account name")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(carol.page.locator("#account-problem")).to_contain_text(alice.account)
    expect(carol.page.get_by_label("Display name")).to_have_value("Carol")


def test_a_wrong_password_and_a_wrong_name_are_answered_alike(
    new_visitor: NewPerson, alice: Person
) -> None:
    carol = new_visitor("carol")
    answers = []
    for name in (alice.account, "nobody-of-this-name"):
        carol.visit("/login")
        carol.page.get_by_label("Account name").fill(name)
        carol.page.get_by_label("Password").fill("not the password")
        carol.page.get_by_role("button", name="Log in").click()
        answers.append(carol.page.get_by_role("alert").inner_text())

    assert answers[0] == answers[1] != ""


def test_logging_out_ends_the_session(alice: Person) -> None:
    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()

    alice.visit("/")
    expect(alice.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()


def test_a_phone_shows_the_list_or_a_conversation(new_person: NewPerson, bob: Person) -> None:
    alice = new_person("alice", **PHONE)
    bob.talk_to(alice).write("Hello")
    back = alice.page.get_by_role("button", name="Back to the conversations")
    new = alice.page.get_by_role("button", name="New conversation").first
    expect(back).to_be_hidden()

    alice.line(bob).tap()
    alice.sees("Hello")
    expect(new).to_be_hidden()
    alice.page.get_by_label("Message", exact=True).fill("Two\nlines")
    alice.page.get_by_label("Message", exact=True).press("Enter")
    alice.sees("Hello")  # Enter begins a new line on touch screens
    alice.page.get_by_role("button", name="Send").tap()
    expect(alice.messages).to_have_count(2)

    back.tap()
    expect(alice.line(bob)).to_be_visible()
    expect(back).to_be_hidden()


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_page_scrolls_sideways(new_visitor: NewPerson, bob: Person, width: int) -> None:
    alice = new_visitor("alice", viewport={"width": width, "height": 740})
    for path in ("/register", "/login", "/api"):
        alice.visit(path)
        alice.page.evaluate(
            "document.querySelectorAll('details').forEach(each => each.open = true)"
        )
        _expect_no_sideways_scrolling(alice, path)
    alice.register("A" * 64)

    alice.talk_to(bob).write("W" * 500)
    _expect_no_sideways_scrolling(alice, "the chat")
    for path in ("/settings", "/no-such-page"):
        alice.visit(path)
        _expect_no_sideways_scrolling(alice, path)


def _expect_no_sideways_scrolling(person: Person, page: str) -> None:
    wide = "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
    assert not person.page.evaluate(wide), page
