"""Browsers that are logged in: ending another's, and what an ended one still opens."""

from collections.abc import Callable
from dataclasses import replace

from attacks.at_once import listed
from attacks.attack import HTTP, Door, Seen
from attacks.browsing import Browser
from attacks.mqtt import CONNACK
from attacks.place import DEVICES_PER_HOUR, Place
from bench.people import PASSWORD, Person

HTTP_DOOR = Door(HTTP)
_LOGINS, _DEVICES = "/api/v1/logins", "/api/v1/devices"
_CUT_WITHIN_SECONDS = 5.0
_NEW = "another horse battery"


def _with_device(place: Place, account: str) -> tuple[Browser, Person]:
    """A browser that is logged in, and the device that its pages connect with."""
    browser = Browser(place).logged_in(account)
    headers = {"X-CSRFToken": browser.token}
    body = {"name": "Browser", "kind": "browser"}
    answer = browser.client.post(_DEVICES, json=body, headers=headers).raise_for_status()
    told = answer.json()["mqtt"]
    person = replace(
        place.mallory,
        account=account,
        user_name=told["username"],
        password=told["password"],
        send_topic=told["send_topic"],
        receive_filter=told["receive_filter"],
    )
    return browser, person


def _digests(browser: Browser) -> list[str]:
    return [each["login"] for each in browser.client.get(_LOGINS).json()["logins"]]


@HTTP_DOOR.attack("ending another's login, by its own digest and by guesses", "404, that one is in")
def of_another(place: Place) -> Seen:
    victim = Browser(place).logged_in(place.newcomer())
    mallory = Browser(place).logged_in(place.newcomer())
    said = {
        mallory.write("DELETE", f"{_LOGINS}/{each}", None)
        for each in (*_digests(victim), "x" * 43, "%00", "' OR '1'='1", "*")
    }
    return Seen(said == {404} and victim.is_in() and mallory.is_in(), listed(said))


def _end_that(one: Browser, other: Browser) -> None:
    """From another browser."""
    own = {each["login"] for each in one.client.get(_LOGINS).json()["logins"] if each["current"]}
    [digest] = [each for each in _digests(other) if each not in own]
    one.write("DELETE", f"{_LOGINS}/{digest}", None)


def _end_all_others(one: Browser, _other: Browser) -> None:
    one.write("DELETE", _LOGINS, None)


def _change_password(one: Browser, _other: Browser) -> None:
    words = {"password": PASSWORD, "new_password": _NEW}
    one.write("PUT", "/api/v1/accounts/me/password", words)


def _log_out(_one: Browser, other: Browser) -> None:
    other.send("/logout")


def _over_when(end: Callable[[Browser, Browser], None]) -> Callable[[Place], Seen]:
    """By its cookie, by a copy of it, and at the broker, where its page is connected."""

    def run(place: Place) -> Seen:
        account = place.newcomer()
        one = Browser(place).logged_in(account)
        other, device = _with_device(place, account)
        thief = other.copy()
        with place.mqtt().open(device) as connected:
            connected.subscribe(device.receive_filter)
            was_in = other.is_in() and thief.is_in()
            end(one, other)
            cut_off = connected.wait_for(CONNACK, seconds=_CUT_WITHIN_SECONDS).is_cut_off
        with place.mqtt() as again, place.http() as http:
            answer = again.connect(device)
            auth = (device.user_name, device.password)
            by_secret = http.get("/api/v1/accounts/me", auth=auth).status_code
        is_out = not other.is_in() and not thief.is_in() and by_secret == 401
        held = was_in and one.is_in() and is_out and cut_off and answer.is_no
        says = f"401, {'cut off' if cut_off else 'still connected'}, then {answer}"
        return Seen(held, says)

    return run


for _when, _end in {
    "was ended from elsewhere": _end_that,
    "was ended with all others": _end_all_others,
    "is older than the password": _change_password,
    "was logged out": _log_out,
}.items():
    HTTP_DOOR.add(
        f"a login that {_when}: its cookie, a copy, its page's device",
        "401, cut off",
        _over_when(_end),
    )


@HTTP_DOOR.attack("what a device's secret opens: passwords, credentials, deletion", "refused")
def by_a_device(place: Place) -> Seen:
    """Whoever finds a phone must not be able to take the account over."""
    account = place.newcomer()
    found, other = place.new_device(account), place.new_device(account)
    with place.http(found) as thief:
        device = other.user_name.partition(".")[2]
        said = {
            thief.request(method, path, json=body).status_code
            for method, path, body in (
                ("PUT", "/api/v1/accounts/me/password", {"new_password": _NEW}),
                (
                    "PUT",
                    "/api/v1/accounts/me/password",
                    {"password": found.password, "new_password": _NEW},
                ),
                ("DELETE", "/api/v1/accounts/me", {"messages": "erase"}),
                ("DELETE", "/api/v1/accounts/me", {"password": found.password, "messages": "keep"}),
                ("GET", f"{_DEVICES}/{device}/credential", None),
                ("GET", f"{_DEVICES}/current", None),
                ("POST", "/api/v1/second-factor", {"password": found.password}),
            )
        }
        still_there = thief.get("/api/v1/accounts/me").status_code == 200
    return Seen(said <= {400, 403, 422} and still_there, listed(said))


@HTTP_DOOR.attack(
    "adding devices and giving them up, on and on", f"429 after {DEVICES_PER_HOUR} in an hour"
)
def device_after_device(place: Place) -> Seen:
    """Each costs the broker, and leaves what it subscribed to behind."""
    person = place.new_device(place.newcomer())
    place.forget_attempts()
    with place.http(person) as mallory:
        made = 0
        for _ in range(DEVICES_PER_HOUR + 1):
            answer = mallory.post(_DEVICES, json={"name": "One more", "kind": "phone"})
            if answer.status_code != 201:
                break
            made += 1
            mallory.delete(f"{_DEVICES}/{answer.json()['device']}").raise_for_status()
        by_a_thing = mallory.post(
            "/api/v1/things", json={"account": f"t-{place.newcomer()}"[:32]}
        ).status_code
    waits = int(answer.headers.get("retry-after", "0"))
    held = made == DEVICES_PER_HOUR and answer.status_code == by_a_thing == 429 and waits > 0
    return Seen(held, f"{answer.status_code} after {made}, also for a thing")
