"""The pages of admins: who gets in there, by what, and what is done with whom."""

from collections.abc import Callable
from functools import lru_cache
from html.parser import HTMLParser

from attacks.at_once import all_at_once, listed, says
from attacks.attack import HTTP, Door, Seen
from attacks.browsing import Browser
from attacks.place import ALICE, Place
from bench.people import PASSWORD

HTTP_DOOR = Door(HTTP)
_PAGES = ("", "/accounts", f"/accounts/{ALICE}", "/reports", "/reports/1", "/audit")
_ACTS = ("disable", "enable", "make-admin", "make-no-admin", "reset", "delete")
_WITH_PASSWORD = ("make-admin", "reset", "delete")
_AT_ALICE = [f"/admin/accounts/{ALICE}/{act}" for act in _ACTS]
_FORMS = (*_AT_ALICE, "/admin/reports/1/close")
_FORM = {"password": PASSWORD, "messages": "erase"}
_AUDIT = "SELECT count(*) FROM audit_line"
_MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>"


def new_admin(place: Place) -> Browser:
    """Somebody new who looks after the accounts, logged in."""
    name = place.newcomer()
    place.change("UPDATE account SET is_admin = :yes WHERE name = :name", yes=True, name=name)
    return Browser(place).logged_in(name)


@lru_cache(maxsize=1)
def the_admin(place: Place) -> Browser:
    """One who stays as he is."""
    return new_admin(place)


def act(admin: Browser, name: str, what: str, **form: str) -> int:
    """The status of that form on the account's page."""
    return admin.send(f"/admin/accounts/{name}/{what}", **{**_FORM, **form}).status_code


def _all_of_it(browser: Browser) -> set[int]:
    """The statuses of every page and form, each tried with the browser's own token."""
    pages = {browser.client.get(f"/admin{page}").status_code for page in _PAGES}
    return pages | {browser.send(path, **_FORM).status_code for path in _FORMS}


def _stranger(place: Place) -> Browser:
    browser = Browser(place)
    browser.see("/login")
    return browser


def _member(place: Place) -> Browser:
    return Browser(place).logged_in(place.newcomer())


def _no_admin_any_more(place: Place) -> Browser:
    browser = new_admin(place)
    act(the_admin(place), browser.account, "make-no-admin")
    return browser


def _disabled(place: Place) -> Browser:
    browser = new_admin(place)
    act(the_admin(place), browser.account, "disable")
    return browser


def _program(place: Place) -> Browser:
    """With the name and password of an admin, and no cookie."""
    browser = Browser(place)
    browser.see("/login")
    browser.client.auth = (the_admin(place).account, PASSWORD)
    return browser


def _coming_as(who: Callable[[Place], Browser], status: int) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        browser = who(place)
        before = place.count(_AUDIT)
        said = _all_of_it(browser)
        done = place.count(_AUDIT) - before
        return Seen(said == {status} and not done, f"{listed(said)}, {done} acts")

    return run


for _name, _who, _status in (
    ("a stranger", _stranger, 302),
    ("a member", _member, 403),
    ("an admin whose role was taken away meanwhile", _no_admin_any_more, 403),
    ("an admin who was disabled meanwhile", _disabled, 302),
    ("a program with an admin's password", _program, 302),
):
    HTTP_DOOR.add(
        f"every page and form of admins, as {_name}",
        "to the login" if _status == 302 else str(_status),
        _coming_as(_who, _status),
    )


@HTTP_DOOR.attack("an admin's browser, made to act without a token", "403, nothing done")
def no_token(place: Place) -> Seen:
    """As a form of a foreign page does; none of its headers is trusted, nor is their absence."""
    admin = the_admin(place).copy()
    other, before = _member(place).token, place.count(_AUDIT)
    said = set()
    for headers in (
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": place.url, "Sec-Fetch-Site": "same-origin"},
        {},
    ):
        admin.client.headers.update(headers)
        for path in _FORMS:
            said |= {admin.send(path, token=each, **_FORM).status_code for each in ("", "x", other)}
    done = place.count(_AUDIT) - before
    return Seen(said == {403} and not done, f"{listed(said)}, {done} acts")


@HTTP_DOOR.attack("an admin's browser, led to act by a link (GET, HEAD)", "405, nothing done")
def by_get(place: Place) -> Seen:
    admin = the_admin(place)
    before = place.count(_AUDIT)
    asked = {**_FORM, "csrf_token": admin.token}
    said = {
        admin.client.request(method, path, params=asked).status_code
        for path in _FORMS
        for method in ("GET", "HEAD")
    }
    done = place.count(_AUDIT) - before
    return Seen(said == {405} and not done, f"{listed(said)}, {done} acts")


@HTTP_DOOR.attack(
    "an admin's browser that somebody found: what gives an account away", "403 without the password"
)
def found_browser(place: Place) -> Seen:
    admin = the_admin(place)
    before = place.count(_AUDIT)
    said = {
        act(admin, ALICE, each, password=password)
        for each in _WITH_PASSWORD
        for password in ("", "wrong password")
    }
    done = place.count(_AUDIT) - before
    return Seen(said == {403} and not done, f"{listed(said)}, {done} acts")


@HTTP_DOOR.attack("guessing an admin's password at these forms", "429 after ten")
def guessing(place: Place) -> Seen:
    admin = the_admin(place)
    place.forget_attempts()
    said = [act(admin, ALICE, "reset", password=f"guess {number}") for number in range(11)]
    said.append(act(admin, ALICE, "reset"))
    return Seen(said == [403] * 10 + [429] * 2, f"{said[-1]} at the twelfth, which is right")


@HTTP_DOOR.attack("an admin who shuts himself out", "403")
def oneself(place: Place) -> Seen:
    admin = new_admin(place)
    said = {act(admin, admin.account, each) for each in ("disable", "make-no-admin", "delete")}
    stays = admin.client.get("/admin").status_code
    return Seen(said == {403} and stays == 200, listed(said))


@HTTP_DOOR.attack("two admins who shut each other out at once", "one is left")
def each_other(place: Place) -> Seen:
    one, other = new_admin(place), new_admin(place)
    left = (
        "SELECT count(*) FROM account WHERE is_admin AND disabled_at IS NULL AND name IN (:a, :b)"
    )
    said = all_at_once(
        [
            lambda: one.send(f"/admin/accounts/{other.account}/disable"),
            lambda: other.send(f"/admin/accounts/{one.account}/make-no-admin"),
        ]
    )
    number = place.count(left, a=one.account, b=other.account)
    return Seen(number == 1 and not said[500], f"{number} is left: {says(said)}")


@HTTP_DOOR.attack("acting on who is not there: unknown, deleted, or no name at all", "404")
def nobody(place: Place) -> Seen:
    admin = the_admin(place)
    deleted = place.newcomer()
    act(admin, deleted, "delete")
    names = ("nobody-at-all", deleted, _MARKUP.replace("/", ""), "alice' OR '1'='1", "%00", "me")
    said = {act(admin, name, each) for name in names for each in _ACTS}
    return Seen(said == {404}, listed(said))


@HTTP_DOOR.attack("a thing made an admin, or given a password", "422")
def thing(place: Place) -> Seen:
    admin, name = the_admin(place), f"thing-{place.newcomer()}"[:32]
    with place.http(place.mallory) as mallory:
        mallory.post("/api/v1/things", json={"account": name}).raise_for_status()
    said = {act(admin, name, each) for each in ("make-admin", "reset")}
    is_admin = place.count("SELECT count(*) FROM account WHERE is_admin AND name = :n", n=name)
    return Seen(said == {422} and not is_admin, listed(said))


@HTTP_DOOR.attack("numbers and names in admins' addresses that no row has", "no 500")
def odd_addresses(place: Place) -> Seen:
    admin = the_admin(place)
    far = "9" * 30
    paths = (
        f"/audit?before={far}",
        f"/audit?before=-{far}",
        "/audit?before=1e999",
        f"/reports?after={far}",
        f"/reports/{far}",
        "/reports/0",
        "/accounts?beginning=%00",
        "/accounts?beginning=%25%27",
        "/accounts?after=%00&beginning=%ff%fe",
        f"/accounts/{ALICE}/brew",
    )
    said = {admin.client.get(f"/admin{path}").status_code for path in paths}
    said.add(act(admin, ALICE, "brew"))
    return Seen(max(said) < 500, listed(said))


class _Tags(HTMLParser):
    """What a browser would take for markup in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.strange: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given:
            self.strange.append(tag)
        if given.get("src") == "x" or any(name.startswith("on") for name in given):
            self.strange.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


@HTTP_DOOR.attack("script in names, reasons and reported texts, on the pages of admins", "escaped")
def stored_script(place: Place) -> Seen:
    name, victim = place.newcomer(), place.newcomer()
    person, other = place.new_device(name), place.new_device(victim)
    with place.http(person) as mallory, place.http(other) as reporter:
        shown = {"display_name": _MARKUP}
        mallory.patch("/api/v1/accounts/me", json=shown).raise_for_status()
        with place.mqtt().open(person) as connection:
            connection.publish(person.send_topic.replace("{to}", victim), _MARKUP)
        place.check_well()
        told = {"account": name, "reason": _MARKUP, "messages": [1]}
        number = reporter.post("/api/v1/reports", json=told).raise_for_status().json()["report"]
    admin, tags = the_admin(place), _Tags()
    for page in (
        f"/accounts?beginning={name}",
        f"/accounts/{name}",
        "/reports",
        f"/reports/{number}",
        "/audit",
        f"/accounts?beginning={_MARKUP}",
    ):
        tags.feed(admin.client.get(f"/admin{page}").text)
    shows = tags.words.count(_MARKUP)
    return Seen(shows >= 4 and not tags.strange, f"shown {shows} times as it is")
