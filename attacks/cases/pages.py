"""What the pages show of what others wrote, and what they tell a browser and strangers."""

import asyncio
import json

from playwright.async_api import Error as PlaywrightFails
from playwright.async_api import Page, async_playwright

from attacks.attack import HTTP, Door, Seen
from attacks.place import BOB, MALLORY, Place
from bench.chromium import CHROMIUM_ARGUMENTS, chromium_program
from bench.people import PASSWORD
from chat.topics import up

HTTP_DOOR = Door(HTTP)
_WITHIN_MILLISECONDS = 30_000.0
# Each would change the title, were it run or taken for markup.
_MARKUP = (
    "<script>document.title='pwned'</script>",
    "<img src=x onerror=\"document.title='pwned'\">",
    '"><svg onload="document.title=\'pwned\'">',
    "javascript:document.title='pwned'",
    "https://x/\" onmouseover=\"document.title='pwned'",
    "{{constructor.constructor('document.title=1')()}}",
)
_SHOWN = "<img src=x onerror=document.title='pwned'>"


@HTTP_DOOR.attack("script and markup in texts and names, in a real browser", "shown as they are")
def stored_script(place: Place) -> Seen:
    """A name, a device's and texts, as the browser of who is written to shows them, and the own."""
    reader = place.newcomer()
    with place.http(place.mallory) as mallory:
        mallory.patch("/api/v1/accounts/me", json={"display_name": _SHOWN}).raise_for_status()
        mallory.post("/api/v1/devices", json={"name": _SHOWN, "kind": "phone"}).raise_for_status()
    with place.mqtt().open(place.mallory) as connection:
        for text in _MARKUP:
            said = json.dumps({"id": text[:60], "text": text})
            connection.publish(up(MALLORY, reader, "send"), said)
    place.check_well()
    return asyncio.run(_look(place, reader))


async def _look(place: Place, reader: str) -> Seen:
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
            await mallory.get_by_text(_SHOWN).first.wait_for(timeout=_WITHIN_MILLISECONDS)
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


@HTTP_DOOR.attack("markup in what a page repeats", "escaped")
def reflected_script(place: Place) -> Seen:
    word = "<script>alert(1)</script>"
    with place.http() as stranger:
        answers = [
            stranger.get(f"/{word}"),
            stranger.get("/login", params={"next": f'/">{word}'}),
            stranger.get("/register", params={"invitation": f'">{word}'}),
            stranger.get(f"/api/v1/{word}"),
            stranger.get("/login", headers={"Host": f"x{word}"}),
        ]
    bad = [str(each.url) for each in answers if word in each.text]
    bad = [
        url
        for url, each in zip(bad, answers, strict=False)
        if "html" in each.headers["content-type"]
    ]
    return Seen(not bad, ", ".join(bad) or "escaped")


@HTTP_DOOR.attack("a page of ours within a foreign one (clickjacking)", "forbidden by two headers")
def framed(place: Place) -> Seen:
    with place.http() as browser:
        headers = browser.get("/login").headers
    policy = headers.get("content-security-policy", "")
    held = "frame-ancestors 'none'" in policy and headers.get("x-frame-options") == "DENY"
    return Seen(held, "both say so" if held else "not said")


@HTTP_DOOR.attack("script of one's own on a page", "the policy allows files of ours alone")
def own_script(place: Place) -> Seen:
    with place.http() as browser:
        policy = browser.get("/login").headers.get("content-security-policy", "")
    held = "default-src 'none'" in policy and "script-src 'self';" in policy
    return Seen(held and "unsafe" not in policy and "*" not in policy, policy.partition(";")[0])


@HTTP_DOOR.attack("private answers out of a cache", "nobody may keep them")
def cached(place: Place) -> Seen:
    paths = (
        "/api/v1/accounts/me",
        "/api/v1/conversations",
        f"/api/v1/conversations/{BOB}/messages",
    )
    with place.http(place.mallory) as mallory:
        said = {mallory.get(path).headers.get("cache-control") for path in paths}
        said.add(mallory.get("/api/v1/export").headers.get("cache-control"))
    return Seen(said == {"no-store"}, ", ".join(map(str, said)))


@HTTP_DOOR.attack("who is here, from /metrics, /healthz and the documents", "no name, no secret")
def told_to_strangers(place: Place) -> Seen:
    place.check_well()
    with place.http() as stranger:
        pages = [
            stranger.get(path).text
            for path in ("/metrics", "/healthz", "/api/v1/openapi.json", "/api/v1/asyncapi.json")
        ]
    said = [
        name for name in (MALLORY, place.alice.user_name, str(place.home)) if name in "".join(pages)
    ]
    return Seen(not said and not place.loot.found, ", ".join(said) or "none")


@HTTP_DOOR.attack("who has an account, by the login's answer", "the same for everybody")
def known_names(place: Place) -> Seen:
    account = place.newcomer()
    with place.http() as stranger:
        answers = [
            stranger.get("/api/v1/accounts/me", auth=(name, "wrong password"))
            for name in (account, f"{account}-x")
        ]
    same = answers[0].text == answers[1].text
    statuses = {each.status_code for each in answers}
    return Seen(same and statuses == {401}, "the same" if same else "tells them apart")
