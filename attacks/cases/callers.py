"""Being taken for somebody else by the site: sessions, tokens, addresses."""

import re
from collections.abc import Callable

import httpx
from itsdangerous import URLSafeTimedSerializer

from attacks.attack import HTTP, Door, Seen
from attacks.browsing import COOKIE, Browser
from attacks.place import ALICE, MALLORY, Place
from bench.people import PASSWORD

HTTP_DOOR = Door(HTTP)
_FOREIGN_LINK = re.compile(r'(?:href|src|action|content)="[^"]*evil')
_DEVICE = {"name": "Forged", "kind": "thing"}
_FOR_EVERYBODY = ("openapi.json", "asyncapi.json")


def _victim(place: Place) -> Browser:
    """The browser of somebody new, whose logins nobody has counted yet."""
    return Browser(place).logged_in(place.newcomer())


def _refused(status: int, *expected: int) -> Seen:
    return Seen(status in expected, str(status))


@HTTP_DOOR.attack("every call of the API without a login", "401")
def nobody(place: Place) -> Seen:
    with place.http() as stranger:
        paths = stranger.get("/api/v1/openapi.json").json()["paths"]
        said = set()
        for path, methods in paths.items():
            if not path.startswith("/api/") or path.endswith(_FOR_EVERYBODY):
                continue
            for method in {"get", "post", "put", "patch", "delete"} & set(methods):
                if (method, path) == ("post", "/api/v1/accounts"):
                    continue  # registration is for who has no account yet
                address = path.replace("{", "").replace("}", "")
                said.add(stranger.request(method, address, json={}).status_code)
    return Seen(said == {401}, ", ".join(map(str, sorted(said))))


def _tampered(cookie_of: Callable[[Place, str], str]) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        alice = _victim(place)
        assert alice.cookie is not None
        with place.http() as thief:
            cookie = {"Cookie": f"{COOKIE}={cookie_of(place, alice.cookie)}"}
            return _refused(thief.get("/api/v1/accounts/me", headers=cookie).status_code, 401)

    return run


def _signed_with(key: bytes | str) -> Callable[[Place, str], str]:
    def sign(_place: Place, _cookie: str) -> str:
        made = URLSafeTimedSerializer(key, salt="cookie-session").dumps({"_user_id": "1"})
        return made if isinstance(made, str) else made.decode()

    return sign


def _with_another_signature(cookie: str) -> str:
    signed, _, signature = cookie.rpartition(".")
    return f"{signed}.{signature[::-1]}"


_COOKIES: dict[str, Callable[[Place, str], str]] = {
    "with its signature turned around": lambda _, cookie: _with_another_signature(cookie),
    "with its content changed": lambda _, cookie: "x" + cookie[1:],
    "without its signature": lambda _, cookie: cookie.rpartition(".")[0],
    "signed with an empty key": _signed_with("\0"),
    "signed with a well-known key": _signed_with("secret"),
}
for _name, _cookie_of in _COOKIES.items():
    HTTP_DOOR.add(f"a session cookie {_name}", "401", _tampered(_cookie_of))


@HTTP_DOOR.attack("a copy of a cookie after its session was ended", "401")
def after_logout(place: Place) -> Seen:
    alice, thief = _victim(place), Browser(place)
    thief.client.cookies.update(alice.client.cookies)
    was_in = thief.is_in()
    alice.client.post("/logout", data={"csrf_token": alice.token})
    return Seen(was_in and not thief.is_in(), "401 after the logout")


@HTTP_DOOR.attack("a session that was given to somebody before the login", "another after it")
def fixation(place: Place) -> Seen:
    browser = Browser(place)
    browser.see("/login")
    before = browser.cookie
    browser.log_in(place.newcomer())
    return Seen(before != browser.cookie, "another cookie" if before != browser.cookie else "kept")


_TOKENS: dict[str, Callable[[Place], str]] = {
    "without a token": lambda _: "",
    "with another session's token": lambda place: _victim(place).token,
    "with a made-up token": lambda _: "forged",
}


def _writing_with(token_of: Callable[[Place], str]) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        alice = _victim(place)
        said = {
            alice.write(method, path, body, token=token_of(place))
            for method, path, body in (
                ("POST", "/api/v1/devices", _DEVICE),
                ("PATCH", "/api/v1/accounts/me", {"display_name": "Forged"}),
                ("DELETE", "/api/v1/devices", None),
            )
        }
        return Seen(said == {403}, ", ".join(map(str, said)))

    return run


for _name, _token_of in _TOKENS.items():
    HTTP_DOOR.add(f"a write with a cookie, {_name}", "403", _writing_with(_token_of))


@HTTP_DOOR.attack("JSON as text/plain from a foreign page", "403")
def plain_text(place: Place) -> Seen:
    alice = _victim(place)
    headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
    body = b'{"name": "Forged", "kind": "thing"}'
    return _refused(
        alice.client.post("/api/v1/devices", content=body, headers=headers).status_code, 403
    )


@HTTP_DOOR.attack("logging somebody in, or out, from a foreign page", "403")
def foreign_forms(place: Place) -> Seen:
    alice = _victim(place)
    said = {
        alice.client.post("/logout").status_code,
        alice.client.post("/login", data={"account": MALLORY, "password": PASSWORD}).status_code,
    }
    return Seen(said == {403} and alice.is_in(), ", ".join(map(str, said)))


@HTTP_DOOR.attack("reading the API from a foreign page (CORS)", "no permission in the answer")
def foreign_reader(place: Place) -> Seen:
    with place.http() as browser:
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        answers = [
            browser.options("/api/v1/devices", headers=asked),
            browser.get("/api/v1/accounts/me", headers=asked),
        ]
    given = [name for each in answers for name in each.headers if name.startswith("access-control")]
    return Seen(not given, ", ".join(given) or "none given")


@HTTP_DOOR.attack("guessing a password with a forged X-Forwarded-For each time", "429 after ten")
def forged_addresses(place: Place) -> Seen:
    name = place.newcomer()
    with place.http() as guesser:
        said = []
        for number in range(12):
            forged = f"203.0.113.{number}"
            headers = {"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": f"for={forged}"}
            answer = guesser.get(
                "/api/v1/accounts/me", headers=headers, auth=(name, f"wrong {number}")
            )
            said.append(answer.status_code)
    return Seen(said[:10] == [401] * 10 and set(said[10:]) == {429}, f"{said[-1]} at the twelfth")


@HTTP_DOOR.attack("the right password while its guesses are used up", "429")
def right_password_after_guesses(place: Place) -> Seen:
    name = place.newcomer()
    with place.http() as guesser:
        for number in range(10):
            guesser.get("/api/v1/accounts/me", auth=(name, f"wrong {number}"))
        return _refused(guesser.get("/api/v1/accounts/me", auth=(name, PASSWORD)).status_code, 429)


@HTTP_DOOR.attack("a forged Host", "no link or redirect leads there")
def forged_host(place: Place) -> Seen:
    forged = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "ftp",
    }
    with place.http() as stranger:
        answers = [
            stranger.get(path, headers=forged) for path in ("/", "/login", "/register", "/api")
        ]
    places = [each.headers.get("location", "/") for each in answers]
    pages = [each.text for each in answers]
    leads = any("evil" in each for each in places) or any(map(_FOREIGN_LINK.search, pages))
    return Seen(not leads, "only paths" if not leads else "leads there")


_NEXT = (
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "///evil.example",
    "/x\r\nSet-Cookie: forged=1",
    " //evil.example",
)


@HTTP_DOOR.attack("a login that leads to another site (`next`)", "leads to a page of ours")
def open_redirect(place: Place) -> Seen:
    account = place.newcomer()
    browser = Browser(place).logged_in(account)
    said = set()
    for target in _NEXT:
        answer = browser.client.get("/login", params={"next": target})
        leads_to = httpx.URL(place.url).join(answer.headers.get("location", "/"))
        said.add(str(leads_to).removeprefix(place.url))
    ours = all(each.startswith("/") and not each.startswith("//") for each in said)
    has_cookie = "forged" in browser.client.cookies
    return Seen(ours and not has_cookie, ", ".join(sorted(said)))


@HTTP_DOOR.attack("another's devices, things, texts and settings, by their ids", "404 or 403")
def ids_of_others(place: Place) -> Seen:
    device = place.new_device(ALICE).user_name.partition(".")[2]
    thing = f"{place.newcomer()}-thing"
    with place.http(place.alice) as alice:
        alice.post("/api/v1/things", json={"account": thing}).raise_for_status()
    mallory = _victim(place)
    said = {
        f"{method} {path}": mallory.write(method, f"/api/v1{path}", {})
        for method, path in (
            ("DELETE", f"/devices/{device}"),
            ("GET", f"/devices/{device}/credential"),
            ("DELETE", f"/things/{thing}"),
            ("POST", f"/things/{thing}/credential"),
            ("PUT", f"/things/{thing}/allowed/{MALLORY}"),
            ("DELETE", f"/things/{thing}/allowed/{ALICE}"),
        )
    }
    let_through = [what for what, status in said.items() if status not in (403, 404)]
    return Seen(not let_through, ", ".join(let_through or {str(each) for each in said.values()}))


_ABOUT_OTHERS = (
    "/conversations",
    f"/conversations/{ALICE}/messages",
    "/search?q=canary",
    "/search?q=canary&with=bob",
    "/devices",
    "/things",
    "/invitations",
    "/blocks",
    "/export",
)


@HTTP_DOOR.attack("what two others say, by every call that answers with texts", "nothing of theirs")
def texts_of_others(place: Place) -> Seen:
    with place.http(place.mallory) as mallory:
        said = {mallory.get(f"/api/v1{path}").status_code for path in _ABOUT_OTHERS}
    return Seen(not place.loot.found and 500 not in said, ", ".join(map(str, sorted(said))))
