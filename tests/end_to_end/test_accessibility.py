"""For everybody: what a machine can check of WCAG 2.2 AA on each page and state, light and dark
(axe-core), and the whole way through the site by keyboard alone."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import PASSWORD, Person

_RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


def violations(page: Page) -> list[str]:
    """Each broken rule with the elements that break it."""
    found: list[dict[str, Any]] = Axe().run(page, options=_RULES).response["violations"]
    return [
        f"{each['help']} ({each['id']}): {node['html'][:160]}: {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


class Checker:
    """Collects what is wrong, with the state in which it is."""

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self.wrong: list[str] = []

    def check(self, person: Person, state: str) -> None:
        person.page.wait_for_timeout(150)  # until what fades in has its colours
        self.wrong += [
            f"{self._scheme}, {state}: {violation}" for violation in violations(person.page)
        ]


@pytest.fixture(params=["light", "dark"])
def checker(request: pytest.FixtureRequest) -> Checker:
    return Checker(request.param)


def test_no_page_of_a_visitor_breaks_a_rule(
    new_visitor: NewPerson, alice: Person, checker: Checker
) -> None:
    visitor = new_visitor("carol", color_scheme=checker._scheme)
    for path in ("/login", "/register", "/offline", "/not-there"):
        visitor.visit(path)
        checker.check(visitor, path)
    visitor.visit("/api")
    visitor.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    checker.check(visitor, "the contract with all that opens")
    visitor.visit("/register")
    visitor.page.get_by_label("Account name").fill(alice.account)
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Make the account").click()
    checker.check(visitor, "a name that is taken")
    visitor.visit("/login")
    visitor.page.get_by_label("Account name").fill(alice.account)
    visitor.page.get_by_label("Password").fill("not the password")
    visitor.page.get_by_role("button", name="Log in").click()
    checker.check(visitor, "a wrong password")

    assert checker.wrong == []


def test_no_state_of_the_chat_breaks_a_rule(
    new_person: NewPerson, alice: Person, checker: Checker
) -> None:
    bob = new_person("bob", color_scheme=checker._scheme)
    checker.check(bob, "no conversations")
    bob.page.get_by_role("button", name="New conversation").first.click()
    bob.page.get_by_label("Account name").fill("nobody-of-this-name")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("alert").first).to_be_visible()
    checker.check(bob, "a name that nobody has")
    bob.page.keyboard.press("Escape")

    bob.talk_to(alice).write("Hello", "See https://example.com")
    alice.open(bob).write("Hello Bob")
    bob.sees("Hello", "See https://example.com", "Hello Bob")
    checker.check(bob, "a conversation")
    _look_at_what_opens(bob, checker)
    with bob.offline():
        bob.write("Offline")
        checker.check(bob, "without a network")
    alice.page.goto("about:blank")

    bob.page.set_viewport_size({"width": 360, "height": 740})
    checker.check(bob, "a conversation on a phone")
    bob.visit("/")
    checker.check(bob, "the list on a phone")

    assert checker.wrong == []


def _look_at_what_opens(bob: Person, checker: Checker) -> None:
    actions = bob.message("https://example.com").get_by_role("button", name="Message actions")
    actions.press("Enter")
    checker.check(bob, "what one can do with a message")
    bob.page.get_by_role("button", name="Thumbs up").press("Enter")
    actions.press("Enter")
    bob.page.get_by_role("button", name="Reply").press("Enter")
    bob.write("An answer to **that** with `code`")
    checker.check(bob, "a reaction and an answer")
    bob.message("Hello Bob").get_by_role("button", name="Message actions").press("Enter")
    bob.page.keyboard.press("Escape")
    bob.message("An answer").get_by_role("button", name="Message actions").press("Enter")
    bob.page.get_by_role("button", name="Unsend…").press("Enter")
    checker.check(bob, "unsending")
    bob.page.get_by_role("button", name="Unsend", exact=True).press("Enter")
    expect(bob.page.get_by_text("Message unsent").first).to_be_visible()
    checker.check(bob, "a message that was unsent")
    bob.page.get_by_role("button", name="Conversation options").press("Enter")
    checker.check(bob, "the menu of a conversation")
    bob.page.get_by_role("menuitemcheckbox", name="Mute").press("Enter")
    bob.page.keyboard.press("Escape")
    bob.page.get_by_role("searchbox", name="Search messages").fill("hello")
    expect(bob.page.locator("[data-result-list] a").first).to_be_visible()
    checker.check(bob, "what was found")
    bob.page.get_by_role("searchbox", name="Search messages").fill("nothing of the kind")
    expect(bob.page.get_by_text("Nothing was found.")).to_be_visible()
    checker.check(bob, "nothing found")
    bob.page.get_by_role("searchbox", name="Search messages").press("Escape")
    bob.page.get_by_role("button", name="Block Alice").press("Enter")
    checker.check(bob, "blocking")
    bob.page.keyboard.press("Escape")


def test_no_state_of_the_settings_breaks_a_rule(new_person: NewPerson, checker: Checker) -> None:
    bob = new_person("bob", color_scheme=checker._scheme)
    bob.visit("/settings")
    expect(bob.page.get_by_text("this browser", exact=True)).to_be_visible()
    checker.check(bob, "settings")
    bob.page.get_by_label("Name", exact=True).fill("Garden sensor")
    bob.page.get_by_role("button", name="Add").click()
    expect(bob.page.get_by_role("dialog")).to_be_visible()
    checker.check(bob, "a credential")
    bob.page.get_by_role("button", name="Close").click()
    bob.page.get_by_role("button", name="Revoke Garden sensor").click()
    checker.check(bob, "revoking")
    bob.page.keyboard.press("Escape")
    bob.page.get_by_role("button", name="Delete…", exact=True).click()
    checker.check(bob, "deleting the account")
    bob.page.keyboard.press("Escape")
    _look_at_things(bob, checker)

    assert checker.wrong == []


def _look_at_things(bob: Person, checker: Checker) -> None:
    """By keyboard alone, on a phone."""
    bob.page.set_viewport_size({"width": 360, "height": 740})
    bob.page.get_by_label("Account name of the thing").fill("Not a name")
    bob.page.keyboard.press("Enter")
    expect(bob.page.locator("[data-thing-problem]")).to_be_visible()
    checker.check(bob, "a thing that cannot be called so")
    bob.page.get_by_label("Account name of the thing").fill(f"lamp-of-{bob.account}")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("dialog")).to_be_visible()
    bob.page.get_by_text("Python (paho-mqtt)", exact=True).press("Enter")
    checker.check(bob, "how a thing connects")
    bob.page.keyboard.press("Escape")
    expect(bob.page.locator("[data-things]")).to_contain_text("talks with you alone")
    checker.check(bob, "things")
    for button in ("Allowed…", "New credential…", "Delete…"):
        bob.page.get_by_role("button", name=f"{button} lamp").press("Enter")
        expect(bob.page.get_by_role("dialog")).to_be_visible()
        checker.check(bob, f"{button} of a thing")
        bob.page.keyboard.press("Escape")
    width = bob.page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 360


def test_the_whole_way_goes_by_keyboard(new_visitor: NewPerson, alice: Person) -> None:
    bob = new_visitor("bob")
    bob.visit("/login")
    press(bob, "link", "Make an account")
    reach(bob, "textbox", "Account name")
    bob.page.keyboard.type(bob.account)
    reach(bob, "textbox", "Password")
    bob.page.keyboard.type(PASSWORD)
    press(bob, "button", "Make the account")
    bob.wait_until_online()

    press(bob, "button", "New conversation")
    bob.page.keyboard.type(alice.account)
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_label("Message", exact=True)).to_be_focused()
    bob.page.keyboard.type("By keyboard")
    bob.page.keyboard.press("Enter")
    bob.sees_state("By keyboard", "delivered")

    reach(bob, "searchbox", "Search messages")
    bob.page.keyboard.type("keyboard")
    expect(bob.page.locator("[data-result-list] a").first).to_be_visible()
    press(bob, "link", "By keyboard")
    expect(bob.page.locator("[data-found]")).to_contain_text("By keyboard")
    press(bob, "button", "Back to the conversations")
    press(bob, "link", "Settings")
    press(bob, "switch", "Show what I have read", key="Space")
    expect(bob.page.get_by_text("Saved.")).to_be_visible()
    press(bob, "link", "Back to the chat")
    bob.wait_until_online()
    press(bob, "link", "You: By keyboard")
    bob.sees("By keyboard")
    press(bob, "button", "Log out")
    expect(bob.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()


def press(person: Person, role: Any, name: str, *, key: str = "Enter") -> None:
    reach(person, role, name)
    person.page.keyboard.press(key)


def reach(person: Person, role: Any, name: str) -> None:
    """Go there with the tabulator key; wherever it stops, that is to be seen."""
    there = person.page.get_by_role(role, name=name).first
    expect(there).to_be_visible()
    for _ in range(60):
        if there.evaluate("each => each === document.activeElement"):
            return
        person.page.keyboard.press("Tab")
        shown, what = person.page.evaluate(FOCUS)
        assert shown, f"focus is not seen at {what}"
    raise AssertionError(f"the tabulator key does not lead to the {role} {name}")


FOCUS = """() => {
  const each = document.activeElement;
  if (each === document.body) return [true, 'the page'];
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
  const hasOutline = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
  return [hasOutline || boxShadow !== 'none', each.outerHTML.slice(0, 200)];
}"""
