"""Past the second factor: codes again, at once or guessed, half a login, and switching it off."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import httpx
import pyotp
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from attacks.at_once import all_at_once, listed, says
from attacks.attack import HTTP, Door, Seen
from attacks.browsing import COOKIE, Browser
from attacks.place import NotWell, Place
from bench.people import PASSWORD, Person
from chat.accounts import account_named
from chat.digests import digest_of

HTTP_DOOR = Door(HTTP)
_FACTOR, _ME = "/api/v1/second-factor", "/api/v1/accounts/me"
_NEW = "another horse battery"
_AT_ONCE = 3
# Of one address.
_GUESSES = 5


@dataclass(frozen=True)
class Guarded:
    """Somebody with a second factor, and a device from before."""

    place: Place
    account: str
    device: Person
    secret: str
    used: str
    recovery: Sequence[str]

    def code(self) -> str:
        """One that was not used yet."""
        self.place.change(
            "UPDATE second_factor SET last_step = 0 WHERE account_id ="
            " (SELECT id FROM account WHERE name = :name)",
            name=self.account,
        )
        return pyotp.TOTP(self.secret).now()

    def half_way(self) -> Browser:
        """A browser in which the password was right."""
        browser = Browser(self.place)
        browser.log_in(self.account)
        browser.see("/login/code")
        return browser

    def by_password(self, code: str | None = None) -> httpx.Response:
        """A program with the password, and a code or none."""
        headers = {} if code is None else {"Katydid-Code": code}
        with self.place.http() as client:
            return client.get(_ME, auth=(self.account, PASSWORD), headers=headers)


def _guarded(place: Place) -> Guarded:
    account = place.newcomer()
    device = place.new_device(account)
    with place.http(device) as client:
        offered = client.post(_FACTOR, json={"password": PASSWORD}).raise_for_status().json()
        used = pyotp.TOTP(offered["secret"]).now()
        made = client.put(_FACTOR, json={"code": used}).raise_for_status().json()
    return Guarded(place, account, device, offered["secret"], used, made["recovery_codes"])


def _give(browser: Browser, code: str) -> httpx.Response:
    return browser.send("/login/code", code=code)


def _once(code_of: Callable[[Guarded], str]) -> Callable[[Place], Seen]:
    """By copies of one cookie, at several workers of the site; and by itself after that."""

    def run(place: Place) -> Seen:
        guarded = _guarded(place)
        code, browser = code_of(guarded), guarded.half_way()
        again = browser.copy()
        copies = [browser.copy() for _ in range(_AT_ONCE)]
        said = all_at_once([partial(_give, each, code) for each in copies])
        after = {_give(again, code).status_code, guarded.by_password(code).status_code}
        held = said == {302: 1, 403: _AT_ONCE - 1} and after == {403, 401}
        return Seen(held, f"{says(said)}; {listed(after)} after it")

    return run


HTTP_DOOR.add("one code of the app, by three at once, and again", "one is in", _once(Guarded.code))
HTTP_DOOR.add(
    "one recovery code, by three at once, and again",
    "one is in",
    _once(lambda each: each.recovery[0]),
)


@HTTP_DOOR.attack("the code that turned the second factor on, to log in", "refused")
def used_before(place: Place) -> Seen:
    guarded = _guarded(place)
    said = [
        _give(guarded.half_way(), guarded.used).status_code,
        guarded.by_password(guarded.used).status_code,
    ]
    return Seen(said == [403, 401], listed(set(said)))


@HTTP_DOOR.attack(
    "guessing codes, by form and by program in turn", "429 after five; recovery codes are taken"
)
def guessing(place: Place) -> Seen:
    guarded = _guarded(place)
    browser = guarded.half_way()
    place.forget_attempts()
    ways = (lambda code: _give(browser, code), guarded.by_password)
    said = {ways[number % 2](f"{number:06}").status_code for number in range(_GUESSES)}
    right = guarded.code()
    beyond = {way(right).status_code for way in ways}
    recovered = _give(browser, guarded.recovery[0]).status_code
    held = said == {403, 401} and beyond == {429} and recovered == 302
    return Seen(held, f"{listed(beyond)}, right ones too; {recovered} by a recovery code")


@HTTP_DOOR.attack("half a login as a whole one", "401, or to the login")
def half_a_login(place: Place) -> Seen:
    browser = _guarded(place).half_way()
    pages = {browser.client.get(path).status_code for path in ("/settings", "/admin", "/")}
    calls = {browser.client.get(path).status_code for path in (_ME, _FACTOR, "/api/v1/export")}
    calls |= {
        browser.write("POST", "/api/v1/devices", {"name": "x", "kind": "phone"}),
        browser.write("DELETE", "/api/v1/logins", None),
        browser.write("PUT", _FACTOR, {"code": "000000"}),
    }
    return Seen(pages == {302} and calls == {401}, listed(pages | calls))


@HTTP_DOOR.attack("half a login, after the password was changed", "it begins anew")
def old_half(place: Place) -> Seen:
    guarded = _guarded(place)
    browser = guarded.half_way()
    with place.http(guarded.device) as owner:
        words = {"password": PASSWORD, "new_password": _NEW, "code": guarded.code()}
        status = _change_password(owner, words)
    answer = _give(browser, guarded.code())
    leads = answer.headers.get("location", "")
    held = status < 300 and answer.status_code == 302 and leads.startswith("/login")
    return Seen(held and not browser.is_in(), f"{answer.status_code} to {leads}")


def _change_password(client: httpx.Client, words: dict[str, str]) -> int:
    return client.put("/api/v1/accounts/me/password", json=words).status_code


@HTTP_DOOR.attack("half a login that is older than five minutes", "it begins anew")
def late_half(place: Place) -> Seen:
    """Signed with the server's own key: nobody else can, and nobody waits so long here."""
    guarded = _guarded(place)
    with place.installation.database.reading() as session:
        account = account_named(session, guarded.account)
    if account is None:
        raise NotWell("the account is not there.")
    known = digest_of(account.password_hash)
    said = [
        _with_cookie(place, [account.id, known, int(time.time() * 1000) - age_ms])
        for age_ms in (0, 299_000, 301_000)
    ]
    return Seen(said == [200, 200, 302], f"{said[-1]}, and {said[0]} while it is new")


def _with_cookie(place: Place, half_way: list[object]) -> int:
    """The status of the second step for who has that in the session."""
    app = Flask(__name__)
    app.secret_key = place.secrets.key_for("session cookie")
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    if signer is None:
        raise NotWell("the session's cookie cannot be signed.")
    cookie = {"Cookie": f"{COOKIE}={signer.dumps({'half_way': half_way})}"}
    with place.http() as client:
        return client.get("/login/code", headers=cookie).status_code


@HTTP_DOOR.attack("half a login with the code of another account", "403")
def of_another(place: Place) -> Seen:
    victim, mallory = _guarded(place), _guarded(place)
    browser = victim.half_way()
    said = [_give(browser, each).status_code for each in (mallory.code(), mallory.recovery[0])]
    return Seen(said == [403, 403] and not browser.is_in(), listed(set(said)))


@HTTP_DOOR.attack("the right password without a code, by a program", "401")
def no_code(place: Place) -> Seen:
    guarded = _guarded(place)
    with place.http() as client:
        client.auth = (guarded.account, PASSWORD)
        said = {
            client.request(method, path, json=body).status_code
            for method, path, body in (
                ("GET", _ME, None),
                ("POST", "/api/v1/devices", {"name": "x", "kind": "phone"}),
                ("DELETE", _FACTOR, {"password": PASSWORD, "code": ""}),
                ("GET", "/api/v1/export", None),
            )
        }
    return Seen(said == {401}, listed(said))


_JUNK = (
    b"",
    b"0" * 4_000,
    "１２３４５６".encode(),
    b"\xff\xfe\xfd",
    b"-1",
    b"1e5",
    b"123456\t123456",
    b"' OR '1'='1",
)


@HTTP_DOOR.attack("junk in the header Katydid-Code", "401")
def junk(place: Place) -> Seen:
    guarded, said = _guarded(place), set()
    with place.http() as client:
        client.auth = (guarded.account, PASSWORD)
        for each in _JUNK:
            place.forget_attempts()
            said.add(client.get(_ME, headers=[(b"Katydid-Code", each)]).status_code)
    return Seen(said == {401}, listed(said))


@HTTP_DOOR.attack("the right code in digits of another script, or as a part of more", "403")
def nearly_a_code(place: Place) -> Seen:
    guarded = _guarded(place)
    browser, right = guarded.half_way(), guarded.code()
    wide = right.translate({ord(str(n)): 0xFF10 + n for n in range(10)})
    said = {_give(browser, each).status_code for each in (wide, f"0{right}", right[:5], right * 2)}
    return Seen(said == {403} and not browser.is_in(), listed(said))


@HTTP_DOOR.attack("turning the second factor off without a code, or the password", "refused")
def turning_off(place: Place) -> Seen:
    guarded = _guarded(place)
    with place.http(guarded.device) as thief:
        said = [
            thief.request("DELETE", _FACTOR, json=body).status_code
            for body in (
                {},
                {"password": PASSWORD},
                {"password": PASSWORD, "code": ""},
                {"password": PASSWORD, "code": guarded.used},
                {"code": guarded.recovery[0]},
                {"password": "wrong password", "code": guarded.recovery[0]},
            )
        ]
        said += [
            thief.post(_FACTOR, json={"password": PASSWORD}).status_code,
            thief.put(_FACTOR, json={"code": guarded.code()}).status_code,
            thief.post(f"{_FACTOR}/recovery-codes", json={"password": PASSWORD}).status_code,
        ]
        is_on = thief.get(_FACTOR).json()["on"]
    return Seen(is_on and max(said) < 500 and min(said) >= 400, f"{listed(set(said))}, still on")


@HTTP_DOOR.attack("the secret of a device that was there before", "200: it needs no code")
def device(place: Place) -> Seen:
    guarded = _guarded(place)
    with (
        place.http(guarded.device) as own,
        place.http(replace(guarded.device, password=PASSWORD)) as other,
    ):
        said = [own.get(_ME).status_code, other.get(_ME).status_code]
    return Seen(said == [200, 401], f"{said[0]}; with the password instead, {said[1]}")


_NEXT = ("//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example")


@HTTP_DOOR.attack("a second step that leads to another site (`next`)", "leads to a page of ours")
def open_redirect(place: Place) -> Seen:
    guarded = _guarded(place)
    said = set()
    for target, recovery in zip(_NEXT, guarded.recovery, strict=False):
        browser = Browser(place)
        first = browser.log_in(guarded.account, next=target)
        browser.see(first.headers["location"])
        answer = browser.send("/login/code", code=recovery, next=target)
        said.add(answer.headers.get("location", str(answer.status_code)))
    return Seen(said == {"/"}, ", ".join(sorted(said)))
