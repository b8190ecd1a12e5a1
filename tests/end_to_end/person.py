"""Somebody at a browser: what a person does with the pages, in a person's words.

Each person has a browser context, so cookies and storage of their own; `another_tab` shares them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

PASSWORD = "correct horse battery"
# A browser writes these itself when a server is away or says 404; scripts' errors are others.
_OF_THE_NETWORK = (
    "Failed to load resource",
    "WebSocket connection to",
    "net::ERR",
    # Where a test lets a browser take any certificate, its service workers do not.
    "An SSL certificate error occurred when fetching the script",
)


class Person:
    """`account` is the name, `page` what they look at."""

    def __init__(self, context: BrowserContext, url: str, account: str) -> None:
        self.context = context
        self.account = account
        self.problems: list[str] = []
        self._url = url
        self.page = self._new_page()

    # Coming and going.

    def register(self, display_name: str = "", *, link: str = "") -> Self:
        """By the `link` of an invitation, where accounts are made by these."""
        self.page.goto(link or f"{self._url}/register")
        self.page.get_by_label("Account name").fill(self.account)
        self.page.get_by_label("Display name").fill(display_name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Make the account").click()
        self.wait_until_online()
        return self

    def log_in(self) -> Self:
        self.page.goto(f"{self._url}/login")
        self.page.get_by_label("Account name").fill(self.account)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.wait_until_online()
        return self

    def wait_until_online(self) -> None:
        expect(self.page.locator("body")).to_have_attribute(
            "data-connection", "online", timeout=20_000
        )

    def visit(self, path: str) -> None:
        self.page.goto(self._url + path)

    def another_tab(self, path: str = "/") -> "Person":
        """The same person in one more tab of the same browser."""
        other = Person(self.context, self._url, self.account)
        other.problems = self.problems
        other.visit(path)
        return other

    @contextmanager
    def offline(self) -> Iterator[None]:
        """While the browser has no network."""
        self.context.set_offline(True)
        expect(self.page.locator("body")).to_have_attribute("data-connection", "offline")
        yield
        self.context.set_offline(False)

    # Talking.

    def talk_to(self, other: "Person | str") -> Self:
        """Open the conversation, which may be a new one."""
        name = other if isinstance(other, str) else other.account
        self.page.get_by_role("button", name="New conversation").first.click()
        self.page.get_by_label("Account name").fill(name)
        self.page.keyboard.press("Enter")
        return self

    def open(self, other: "Person") -> Self:
        """Open a conversation of the list."""
        self.line(other).click()
        return self

    def write(self, *texts: str) -> None:
        field = self.page.get_by_label("Message", exact=True)
        for text in texts:
            field.fill(text)
            field.press("Enter")

    def bring_to_front(self) -> None:
        self.page.bring_to_front()

    # What is seen.

    @property
    def messages(self) -> Locator:
        """The texts of the open conversation, from top to bottom."""
        return self.page.locator("[data-message] [data-part=text]")

    def message(self, text: str) -> Locator:
        text_of_it = self.page.locator("[data-part=text]", has_text=text)
        return self.page.locator("[data-message]", has=text_of_it)

    def line(self, other: "Person") -> Locator:
        """The line of the list for the conversation with this person."""
        return self.page.locator(f"[data-peer={other.account}]")

    def sees(self, *texts: str) -> None:
        """Wait until exactly these messages are shown, in this order."""
        expect(self.messages).to_have_text(list(texts), timeout=30_000)

    def sees_state(self, text: str, state: str) -> None:
        expect(self.message(text)).to_have_attribute("data-state", state, timeout=30_000)

    def _new_page(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        return page

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_OF_THE_NETWORK):
            self.problems.append(message.text)
