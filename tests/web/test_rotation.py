"""While the server key is changed nobody is logged out, and nobody's connection is refused; what
comes from the old key ends with it."""

from typing import Any

import pytest

from chat.push_keys import public_key_of
from chat.rotation import change_server_key, forget_server_key_before
from chat.secrets import load_secrets, make_missing_secrets
from mqtt_acl.issuer import Credentials
from tests.mqtt import Client
from tests.running import Installation, wait_until
from tests.web.site import Site, execute
from tests.web.test_door import Broker
from tests.web.visitor import Browser, Program

DEVICES, CURRENT = "/api/v1/devices", "/api/v1/devices/current"
FIREFOX = {"name": "Firefox on Linux", "kind": "browser"}


@pytest.fixture
def before(shared_broker: Installation, password_hash: str) -> Site:
    """A site with a real broker, as it was before its key is changed for the first time."""
    execute(shared_broker, "UPDATE account SET password_hash = :hash", hash=password_hash)
    (shared_broker.settings.secrets_dir / "server_key").unlink()
    make_missing_secrets(shared_broker.settings)
    shared_broker.secrets = load_secrets(shared_broker.settings)
    return Site(shared_broker)


def changed(before: Site) -> Site:
    """The site as it starts again with a new key."""
    change_server_key(before.installation.settings.secrets_dir, since=2)
    return started_again(before)


def retired(before: Site) -> Site:
    forget_server_key_before(before.installation.settings.secrets_dir)
    return started_again(before)


def started_again(before: Site) -> Site:
    before.installation.secrets = load_secrets(before.installation.settings)
    return Site(before.installation)


def same(browser: Browser, site: Site) -> Browser:
    """The browser, at the site that was started again; its page is open as it was."""
    again, cookie = site.browser(), browser.cookie()
    assert cookie is not None
    again.set_cookie(cookie)
    again.token = browser.token
    return again


def with_device(site: Site, account: str = "alice") -> tuple[Browser, dict[str, Any]]:
    """A browser that is logged in, and what it connects with."""
    browser = site.browser().log_in(account)
    assert browser.call("POST", DEVICES, FIREFOX).status_code == 201
    return browser, told(browser)


def told(browser: Browser) -> dict[str, Any]:
    answer = browser.get(CURRENT)
    assert answer.status_code == 200, answer.text
    mqtt = answer.get_json()["mqtt"]
    assert isinstance(mqtt, dict)
    return mqtt


def connected(site: Site, mqtt: dict[str, Any]) -> Client:
    return Client(site.installation.settings, credentials(mqtt)).connect()


def credentials(mqtt: dict[str, Any]) -> Credentials:
    return Credentials("", mqtt["username"], mqtt["password"])


def program(site: Site, device: Credentials) -> Program:
    """One that has the device's secret, and comes to the API with it."""
    return Program(site.app, device.user_name, device.password)


def is_let_in(site: Site, mqtt: dict[str, Any]) -> bool:
    client = connected(site, mqtt)
    client.close()
    return not client.connect_reason.is_failure


def test_a_browser_stays_logged_in_and_changes_over_at_its_next_visit(before: Site) -> None:
    browser, old = with_device(before)

    after = changed(before)
    browser = same(browser, after)
    assert is_let_in(after, old)
    with connected(after, old) as here:
        new = told(browser)

        wait_until("the old connection to be cut", lambda: here.disconnect_reason is not None)
    assert new["username"] == old["username"]
    assert new["password"] != old["password"]
    assert is_let_in(after, new)
    assert not is_let_in(after, old)
    assert told(browser) == new

    last = same(browser, retired(after))
    assert last.get(DEVICES).status_code == 200
    assert told(last) == new


def test_a_page_that_is_open_goes_on(before: Site) -> None:
    browser, _ = with_device(before)

    after = changed(before)
    browser = same(browser, after)

    assert browser.call("DELETE", f"{DEVICES}/abcdefghijkl").status_code == 404
    browser.token = "nonsense"
    assert browser.call("DELETE", f"{DEVICES}/abcdefghijkl").status_code == 403


def test_a_page_from_before_is_refused_when_the_key_is_gone(before: Site) -> None:
    browser, _ = with_device(before)
    after = changed(before)
    browser = same(browser, after)
    token = browser.token
    told(browser)

    last = same(browser, retired(after))

    last.token = token
    assert last.call("DELETE", f"{DEVICES}/abcdefghijkl").status_code == 403


def test_who_did_not_come_by_is_logged_out_when_the_key_is_gone(before: Site) -> None:
    browser, _ = with_device(before)

    last = same(browser, retired(changed(before)))

    assert last.get(DEVICES).status_code == 401


def test_a_program_goes_on_with_its_old_secret_and_a_new_device_has_a_new_one(
    before: Site,
) -> None:
    doorbell = before.installation.new_device("alice")

    after = changed(before)

    assert program(after, doorbell).get(DEVICES).status_code == 200
    assert Broker(after.installation).lets_in(doorbell.user_name, doorbell.password) == "allow"
    made = after.program("alice").post(DEVICES, {"name": "Phone", "kind": "phone"}).get_json()
    last = retired(after)
    assert program(last, credentials(made["mqtt"])).get(DEVICES).status_code == 200
    assert program(last, doorbell).get(DEVICES).status_code == 401


def test_a_thing_has_a_new_secret_with_its_new_credential(before: Site) -> None:
    thing = before.program("alice").post("/api/v1/things", {"account": "doorbell"}).get_json()
    after = changed(before)
    assert is_let_in(after, thing["mqtt"])

    renewed = after.program("alice").post("/api/v1/things/doorbell/credential").get_json()

    assert not is_let_in(after, thing["mqtt"])
    last = retired(after)
    assert program(last, credentials(renewed["mqtt"])).get(DEVICES).status_code == 200


def test_a_broker_that_does_not_answer_leaves_a_browser_its_old_secret(before: Site) -> None:
    browser, old = with_device(before)
    after = changed(before)
    before.installation.kill("broker")

    assert told(same(browser, after)) == old

    before.installation.start("broker")
    assert is_let_in(after, old)
    assert told(same(browser, after))["password"] != old["password"]


def test_a_broker_may_still_ask_at_the_door_by_the_old_word(before: Site) -> None:
    doorbell = before.installation.new_device("alice")
    path = Broker(before.installation).path

    after = changed(before)
    broker = Broker(after.installation)
    assert broker.path != path
    broker.path = path
    assert broker.lets_in(doorbell.user_name, doorbell.password) == "allow"

    closed = Broker(retired(after).installation)
    assert closed.client.post(f"{path}/user", data={}).status_code == 404


def test_browsers_subscribe_with_the_new_key(before: Site) -> None:
    browser, _ = with_device(before)
    key = public_key_of(before.installation.secrets)

    after = changed(before)

    answer = same(browser, after).get(f"{CURRENT}/push").get_json()
    assert answer["application_server_key"] == public_key_of(after.installation.secrets) != key
