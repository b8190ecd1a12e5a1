"""A real browser that looks at what others wrote: whether it was run, or taken for markup."""

from playwright.async_api import Error as PlaywrightFails
from playwright.async_api import Page, async_playwright

from attacks.attack import Seen
from attacks.place import MALLORY, Place
from bench.chromium import CHROMIUM_ARGUMENTS, chromium_program
from bench.people import PASSWORD

_WITHIN_MILLISECONDS = 30_000.0


async def look(place: Place, reader: str, name: str) -> Seen:
    """At the reader's conversation with Mallory, and at Mallory's settings, who is called so."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_program(), args=CHROMIUM_ARGUMENTS
        )
        try:
            shown_to = await _logged_in(await browser.new_page(), place, reader)
            await shown_to.get_by_role("button", name="New conversation").first.click()
            await shown_to.get_by_label("Account name").fill(MALLORY)
            await shown_to.keyboard.press("Enter")
            shown = shown_to.locator("[data-messages] [data-part=text]", has_text="onmouseover")
            await shown.first.wait_for(timeout=_WITHIN_MILLISECONDS)
            found = await _run_in(shown_to)
            mallory = await _logged_in(await browser.new_page(), place, MALLORY)
            await mallory.goto(f"{place.url}/settings")
            await mallory.get_by_text(name).first.wait_for(timeout=_WITHIN_MILLISECONDS)
            found = found or await _run_in(mallory)
        except PlaywrightFails as problem:
            return Seen(False, str(problem).partition("\n")[0])
        finally:
            await browser.close()
    return Seen(not found, found or "shown as they are")


async def _logged_in(page: Page, place: Place, account: str) -> Page:
    await page.goto(f"{place.url}/login")
    await page.get_by_label("Account name").fill(account)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_selector("[data-connection=online]", timeout=_WITHIN_MILLISECONDS)
    return page


async def _run_in(page: Page) -> str:
    """What there is on the page that should not be."""
    if "pwned" in await page.title():
        return "a script was run"
    strange = "script:not([src]), img[src=x], svg[onload], [onerror], [onmouseover], a[href^=java]"
    return "markup was taken for markup" if await page.locator(strange).count() else ""
