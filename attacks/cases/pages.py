"""What the pages show of what others wrote, and what they tell a browser and strangers."""

import asyncio
import json

from attacks.attack import HTTP, Door, Seen
from attacks.place import BOB, MALLORY, Place
from bench.chromium import chromium_program
from chat.topics import up

HTTP_DOOR = Door(HTTP)
# Each would change the title, were it run or taken for markup.
_MARKUP = (
    "<script>document.title='pwned'</script>",
    "<img src=x onerror=\"document.title='pwned'\">",
    '"><svg onload="document.title=\'pwned\'">',
    "javascript:document.title='pwned'",
    "https://x/\" onmouseover=\"document.title='pwned'",
    "{{constructor.constructor('document.title=1')()}}",
)
_NAME = "<img src=x onerror=document.title='pwned'>"


@HTTP_DOOR.attack("script and markup in texts and names, in a real browser", "shown as they are")
def stored_script(place: Place) -> Seen:
    """A name, a device's and texts, as the browser of who is written to shows them, and the own."""
    chromium_program()
    from attacks.looking import look  # needs what drives a browser

    reader = place.newcomer()
    with place.http(place.mallory) as mallory:
        mallory.patch("/api/v1/accounts/me", json={"display_name": _NAME}).raise_for_status()
        mallory.post("/api/v1/devices", json={"name": _NAME, "kind": "phone"}).raise_for_status()
    with place.mqtt().open(place.mallory) as connection:
        for text in _MARKUP:
            said = json.dumps({"id": text[:60], "text": text})
            connection.publish(up(MALLORY, reader, "send"), said)
    place.check_well()
    return asyncio.run(look(place, reader, _NAME))


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
