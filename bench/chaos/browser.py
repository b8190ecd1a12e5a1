"""`python -m bench.chaos.browser ROLE`: people at the real page, in Chromium. They type into the
composer, and whatever the page shows as archived is noted, as it is shown."""

import asyncio
import sys
from contextlib import suppress
from typing import Any

from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightFails

from bench.chaos.ledger import (
    ARCHIVED,
    BEGUN,
    HANDED_OVER,
    OFFERED,
    SETTLED,
    SHOWN,
    Ledger,
    next_number,
    text_of,
)
from bench.chaos.role import Role, role_from
from bench.chromium import CHROMIUM_ARGUMENTS, chromium_program
from bench.people import PASSWORD

_AGAIN_AFTER_SECONDS = 1.0
_WITHIN_MILLISECONDS = 60_000.0
# What is below `data-messages` and has a `seq` is archived; each is told of once.
_TELL = """
() => {
  const told = new Set();
  const tell = () => {
    for (const element of document.querySelectorAll('[data-messages] [data-seq]')) {
      if (told.has(element.dataset.seq)) continue;
      told.add(element.dataset.seq);
      const text = element.querySelector('[data-part=text]').textContent;
      window.tellShown(Number(element.dataset.seq), element.dataset.own === 'true', text);
    }
  };
  const list = document.querySelector('[data-messages]');
  new MutationObserver(tell).observe(list, { childList: true, subtree: true, attributes: true });
  tell();
}
"""
_IS_KEPT = """
(text) => [...document.querySelectorAll('[data-messages] [data-message]')]
  .some((each) => each.querySelector('[data-part=text]').textContent === text)
"""
_WAITING = "document.querySelectorAll('[data-state=waiting]').length"


async def main(file: str) -> None:
    """Until it is ended."""
    role = role_from(file)
    ledger = Ledger(role.ledger_file)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_program(), args=CHROMIUM_ARGUMENTS
        )
        writers = [
            _Writer(role, ledger, person.account, peer)
            for person, peer in zip(role.people, role.peers, strict=True)
        ]
        for writer in writers:
            await writer.open(browser)
        await asyncio.gather(*(writer.write_all() for writer in writers))
        await asyncio.Event().wait()


class _Writer:
    """One account with a browser of its own."""

    def __init__(self, role: Role, ledger: Ledger, account: str, peer: str) -> None:
        self._role, self._ledger = role, ledger
        self._account, self._peer = account, peer
        self._own_shown: set[str] = set()

    async def open(self, browser: Browser) -> None:
        """Log in, and open the conversation."""
        context = await browser.new_context()
        self._page: Page = await context.new_page()
        await self._page.expose_function("tellShown", self._note_shown)
        await self._page.goto(f"{self._role.url}/login")
        await self._page.get_by_label("Account name").fill(self._account)
        await self._page.get_by_label("Password").fill(PASSWORD)
        await self._page.get_by_role("button", name="Log in").click()
        await self._page.wait_for_selector("[data-connection=online]", timeout=_WITHIN_MILLISECONDS)
        await self._page.get_by_role("button", name="New conversation").first.click()
        await self._page.get_by_label("Account name").fill(self._peer)
        await self._page.keyboard.press("Enter")
        await self._page.wait_for_selector("[data-is-open=true]", timeout=_WITHIN_MILLISECONDS)
        self._ledger.note(BEGUN, self._account, self._peer)
        await self._page.evaluate(_TELL)

    async def write_all(self) -> None:
        """One after the other, as long as it is not enough; then until none waits any more."""
        number = next_number(self._role.ledger_file, self._account, self._peer)
        while not self._role.signs.may_begin():
            await asyncio.sleep(0.1)
        while not self._role.signs.is_enough():
            await asyncio.sleep(self._role.every_seconds)
            with suppress(PlaywrightFails):  # a machine that is busy; the text is offered, no more
                await self._write(text_of(self._account, number))
            number += 1
        while True:
            with suppress(PlaywrightFails):
                if not await self._page.evaluate(_WAITING):
                    break
            await asyncio.sleep(_AGAIN_AFTER_SECONDS)
        self._ledger.note(SETTLED, self._account, self._peer)

    async def _write(self, text: str) -> None:
        field = self._page.get_by_label("Message", exact=True)
        self._ledger.note(OFFERED, self._account, self._peer, text=text)
        await field.fill(text)
        await field.press("Enter")
        # It is shown as soon as it is on disk, in the outbox.
        await self._page.wait_for_function(_IS_KEPT, arg=text, timeout=_WITHIN_MILLISECONDS)
        self._ledger.note(HANDED_OVER, self._account, self._peer, text=text)

    def _note_shown(self, seq: int, is_own: bool, text: str) -> None:
        said: dict[str, Any] = {"text": text, "seq": seq}
        sender = self._account if is_own else self._peer
        self._ledger.note(SHOWN, self._account, self._peer, sender=sender, **said)
        if is_own:
            self._ledger.note(ARCHIVED, self._account, self._peer, **said)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
