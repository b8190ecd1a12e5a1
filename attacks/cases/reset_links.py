"""Links with which an admin lets somebody set a password anew."""

import html
import re
from collections.abc import Callable
from functools import partial

import httpx

from attacks.at_once import all_at_once, listed, says
from attacks.attack import HTTP, Door, Seen
from attacks.browsing import Browser
from attacks.cases.admins import act, the_admin
from attacks.place import NotWell, Place
from bench.people import PASSWORD

HTTP_DOOR = Door(HTTP)
_LINK = re.compile(r"/reset\?link=([\w-]+)")
_NEW = "another horse battery"
_AT_ONCE = 4


def _link(admin: Browser, account: str) -> str:
    """What a new link says."""
    page = admin.send(f"/admin/accounts/{account}/reset", password=PASSWORD).text
    found = _LINK.search(html.unescape(page))
    if found is None:
        raise NotWell("there is no link on the page of an admin.")
    return found[1]


def _opened(place: Place, link: str) -> Browser:
    browser = Browser(place)
    browser.see(f"/reset?link={link}")
    if not browser.token:
        browser.see("/login")
    return browser


def _used(browser: Browser, link: str) -> httpx.Response:
    return browser.send("/reset", link=link, password=_NEW)


def _use(browser: Browser, link: str) -> int:
    return _used(browser, link).status_code


@HTTP_DOOR.attack("one link to reset a password, used by four at once, and again", "one has it")
def once(place: Place) -> Seen:
    link = _link(the_admin(place), place.newcomer())
    browsers = [_opened(place, link) for _ in range(_AT_ONCE + 1)]
    said = all_at_once([partial(_used, each, link) for each in browsers[:_AT_ONCE]])
    again = _use(browsers[-1], link)
    held = said[302] == 1 and not said[500] and again == 403
    return Seen(held, f"{says(said)}; {again} after it")


def _deleted(_place: Place, admin: Browser, name: str) -> None:
    act(admin, name, "delete")


def _disabled(_place: Place, admin: Browser, name: str) -> None:
    act(admin, name, "disable")


def _outdated(place: Place, _admin: Browser, _name: str) -> None:
    place.change("UPDATE password_reset SET expires_at = 1")


def _superseded(_place: Place, admin: Browser, name: str) -> None:
    _link(admin, name)


def _worthless_when(what: Callable[[Place, Browser, str], None]) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        admin, name = the_admin(place), place.newcomer()
        link = _link(admin, name)
        browser = _opened(place, link)
        what(place, admin, name)
        said = {browser.client.get(f"/reset?link={link}").status_code, _use(browser, link)}
        return Seen(said == {403}, listed(said))

    return run


for _when, _what in {
    "of an account that was deleted": _deleted,
    "of an account that was disabled": _disabled,
    "that is older than a day": _outdated,
    "with a newer one beside it": _superseded,
}.items():
    HTTP_DOOR.add(f"a link to reset a password, {_when}", "403", _worthless_when(_what))


@HTTP_DOOR.attack("guessing at links to reset a password", "429 after ten")
def guessed(place: Place) -> Seen:
    link = _link(the_admin(place), place.newcomer())
    place.forget_attempts()
    with place.http() as guesser:
        said = [
            guesser.get("/reset", params={"link": each}).status_code
            for each in (*(f"{'x' * 31}{n}" for n in range(9)), "", link)
        ]
    return Seen(said == [403] * 10 + [429], f"{said[-1]} at the eleventh, which is right")


@HTTP_DOOR.attack(
    "a link to reset a password, where others find it: Referer, caches, logs", "nowhere"
)
def leaked(place: Place) -> Seen:
    link = _link(the_admin(place), place.newcomer())
    browser = Browser(place)
    answer = browser.see(f"/reset?link={link}")
    _use(browser, link)
    policy, cache = answer.headers["referrer-policy"], answer.headers["cache-control"]
    foreign = re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    logged = any(link in log for log in place.logs())
    held = policy == "same-origin" and cache == "no-store" and not foreign and not logged
    return Seen(held, "in a log" if logged else f"{policy}, {cache}, in no log")


@HTTP_DOOR.attack(
    "a link to reset a password, opened where another is logged in", "that one is out"
)
def by_another_session(place: Place) -> Seen:
    """Else two accounts would share a browser, and its device."""
    mallory = Browser(place).logged_in(place.newcomer())
    link = _link(the_admin(place), place.newcomer())
    thief = mallory.copy()
    mallory.see(f"/reset?link={link}")
    status = _use(mallory, link)
    held = status == 302 and mallory.is_in() and not thief.is_in()
    return Seen(held, "the session before is worth nothing" if held else str(status))


@HTTP_DOOR.attack("a link to reset a password, sent in from a foreign page", "403, still good")
def from_a_foreign_page(place: Place) -> Seen:
    """Which would log its visitor in to an account of the attacker's choice."""
    link = _link(the_admin(place), place.newcomer())
    victim = Browser(place).logged_in(place.newcomer())
    status = victim.send("/reset", token="", link=link, password=_NEW).status_code
    good = _opened(place, link).client.get(f"/reset?link={link}").status_code
    return Seen(status == 403 and good == 200, f"{status}, then {good}")
