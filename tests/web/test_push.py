"""Subscribing a browser to be told of messages. What it is told is in `tests/push`."""

from typing import Any

import pytest

from chat.push_keys import public_key_of
from tests.people import add_device
from tests.web.conftest import MakeSite
from tests.web.site import Site, execute
from tests.web.visitor import Program, assert_problem

pytestmark = pytest.mark.both_databases

PUSH = "/api/v1/devices/current/push"
# A public key and a secret as RFC 8291 shows them, appendix A.
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx"
    "aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
FIREFOX = "https://updates.push.services.mozilla.com/wpush/v2/abc"


def device(site: Site, account: str) -> Program:
    """A device of the account, which calls with its own credential."""
    made = add_device(site.installation.database, site.installation.secrets, account)
    return site.program(made.user_name, password=made.password)


def subscription(endpoint: str = FIREFOX, **changed: Any) -> dict[str, Any]:
    return {"endpoint": endpoint, **KEYS, **changed}


def subscribed(site: Site) -> list[tuple[object, ...]]:
    return site.installation.rows(
        "SELECT account.name, endpoint FROM push_subscription"
        " JOIN account ON account.id = push_subscription.account_id ORDER BY 1"
    )


def test_a_device_is_told_from_when_it_subscribes_until_it_no_longer_wants(site: Site) -> None:
    phone = device(site, "alice")
    key = public_key_of(site.installation.secrets)
    assert phone.get(PUSH).get_json() == {"subscribed": False, "application_server_key": key}

    for endpoint in (FIREFOX, f"{FIREFOX}d", f"{FIREFOX}d"):
        assert phone.put(PUSH, subscription(endpoint)).status_code == 204
    assert phone.get(PUSH).get_json()["subscribed"]
    assert subscribed(site) == [("alice", f"{FIREFOX}d")]

    for _ in range(2):
        assert phone.delete(PUSH).status_code == 204
    assert subscribed(site) == []


def test_a_browser_is_told_for_who_is_logged_in_there_now(site: Site) -> None:
    device(site, "alice").put(PUSH, subscription())

    device(site, "bob").put(PUSH, subscription())

    assert subscribed(site) == [("bob", FIREFOX)]


def test_a_subscription_ends_with_its_device(site: Site) -> None:
    device(site, "alice").put(PUSH, subscription())

    execute(site.installation, "DELETE FROM device")

    assert subscribed(site) == []


def test_only_a_device_can_be_told(site: Site) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert_problem(site.browser().call(method, PUSH, subscription()), 401)
    assert_problem(site.program("alice").put(PUSH, subscription()), 404)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:443/fcm/send/abc",
        "https://web.push.apple.com/abc",
        "https://db5p.notify.windows.com/w/?token=abc",
    ],
)
def test_push_services_of_browsers_are_known(site: Site, endpoint: str) -> None:
    assert device(site, "alice").put(PUSH, subscription(endpoint)).status_code == 204


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ("http://updates.push.services.mozilla.com/a", "begins with https://"),
        ("https://127.0.0.1/a", "127.0.0.1 is no push service"),
        ("https://localhost:15672/api", "localhost:15672 is no push service"),
        ("https://fcm.googleapis.com.example.com/a", "is no push service"),
        ("https://evilfcm.googleapis.com/a", "is no push service"),
        ("https://push.apple.com/a", "push.apple.com is no push service"),
        ("https://evilpush.apple.com/a", "is no push service"),
        ("https://fcm.googleapis.com:8443/a", "fcm.googleapis.com:8443 is no push service"),
        ("https://fcm.googleapis.com@example.com/a", "plain URL"),
        ("https://example.com\\@fcm.googleapis.com/a", "plain URL"),
        ("https://[::1/a", "plain URL"),
        ("https://[::1%25.notify.windows.com]/x", "plain URL"),
        ("https://a b.notify.windows.com/", "plain URL"),
        ("https://a..notify.windows.com/x", "plain URL"),
        (f"https://{'a' * 64}.notify.windows.com/x", "plain URL"),
        ("https://fcm.googleapis.com", "plain URL"),
        ("https://fcm.googleapis.com:/x", "plain URL"),
        ("https://fcm.googleapis.com:x/a", "plain URL"),
        ("https://fcm.googleapis.com/ x y", "plain URL"),
        ("https://fcm.googleapis.com/\r\nHost: a", "plain URL"),
        ("https://fcm.googleapis.com/" + "a" * 1_024, "at most 1024 characters"),
        ("file:///etc/passwd", "begins with https://"),
        ("", "begins with https://"),
    ],
)
def test_no_other_server_is_asked_for_anything(site: Site, endpoint: str, says: str) -> None:
    answer = device(site, "alice").put(PUSH, subscription(endpoint))

    assert_problem(answer, 422, field="endpoint", says=says)
    assert subscribed(site) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("p256dh", ""),
        ("p256dh", KEYS["auth"]),
        ("p256dh", "B" * 88),
        ("p256dh", "A" + KEYS["p256dh"][1:]),
        ("p256dh", "ü" * 87),
        ("p256dh", None),
        ("auth", KEYS["p256dh"]),
        ("auth", "?" * 22),
        ("auth", 7),
    ],
)
def test_a_key_that_is_none_is_refused(site: Site, field: str, value: object) -> None:
    answer = device(site, "alice").put(PUSH, subscription(**{field: value}))

    assert_problem(answer, 422, field=field)


def test_a_host_of_ones_own_can_be_a_push_service(make_site: MakeSite) -> None:
    site = make_site(KATYDID_PUSH_SERVICES="push.example.com:8443")
    phone = device(site, "alice")

    assert phone.put(PUSH, subscription("https://push.example.com:8443/a")).status_code == 204
    assert_problem(phone.put(PUSH, subscription()), 422, field="endpoint")
