"""Devices at the served site and the real broker: made, shown again, listed, revoked, given up."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from chat.accounts import account_named
from chat.deletions import begin_deletion
from chat.times import now
from chat.topics import down_filter, up
from mqtt_acl.issuer import Credentials
from tests.conftest import needs
from tests.mqtt import Client
from tests.running import Installation, wait_until
from tests.web.served import ServedSite
from tests.web.site import execute
from tests.web.visitor import PASSWORD

DEVICES = "/api/v1/devices"
DOORBELL = {"name": "Doorbell", "kind": "thing"}
FIREFOX = {"name": "Firefox on Linux", "kind": "browser"}
_numbers = count(1)


@pytest.fixture(scope="module")
def site(shared_broker: Installation, password_hash: str) -> Iterator[ServedSite]:
    execute(shared_broker, "UPDATE account SET password_hash = :hash", hash=password_hash)
    site = ServedSite(shared_broker)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    """A site whose broker may be stopped; who stops it starts it again."""
    needs("mosquitto")
    installation = Installation(tmp_path_factory.mktemp("own"))
    installation.start("broker")
    site = ServedSite(installation)
    yield site
    site.stop()
    installation.stop_all()


@pytest.fixture
def alice(own_site: ServedSite, password_hash: str) -> str:
    """Her account at the site of which she may be deleted; no other test has it."""
    return _newcomer(own_site, "alice", password_hash)


@pytest.fixture
def bob(own_site: ServedSite, password_hash: str) -> str:
    return _newcomer(own_site, "bob", password_hash)


def _newcomer(site: ServedSite, called: str, password_hash: str) -> str:
    name = f"{called}-{next(_numbers)}"
    site.installation.register(name)
    words = "UPDATE account SET password_hash = :hash WHERE name = :name"
    execute(site.installation, words, hash=password_hash, name=name)
    return name


def made(client: httpx.Client | Any, device: dict[str, str]) -> dict[str, Any]:
    response = client.post(DEVICES, json=device)
    assert response.status_code == 201, response.text
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def connect(site: ServedSite, device: dict[str, Any]) -> Client:
    """A connection with what the site told."""
    told = device["mqtt"]
    credentials = Credentials("", told["username"], told["password"])
    settings = site.installation.settings
    return Client(settings, credentials, client_id=told["client_id"]).connect()


def is_let_in(site: ServedSite, device: dict[str, Any]) -> bool:
    client = connect(site, device)
    client.close()
    return not client.connect_reason.is_failure


def listed(client: httpx.Client | Any) -> list[str]:
    return [device["device"] for device in client.get(DEVICES).json()["devices"]]


def test_a_new_device_is_told_all_it_needs_to_connect(site: ServedSite) -> None:
    settings = site.installation.settings

    device = made(site.program("alice"), DOORBELL)

    name = f"alice.{device['device']}"
    assert device["mqtt"] == {
        "host": "127.0.0.1",
        "port": settings.mqtt_port,
        "tls": False,
        "websocket_url": f"ws://127.0.0.1:{settings.websocket_port}/mqtt",
        "username": name,
        "password": device["mqtt"]["password"],
        "client_id": name,
        "send_topic": up("alice", "{to}", "send"),
        "receive_filter": "chat/v1/down/alice/#",
    }
    client = connect(site, device)
    assert not client.subscribe(device["mqtt"]["receive_filter"]).is_failure
    assert client.subscribe(down_filter("bob")).is_failure
    assert not client.publish(device["mqtt"]["send_topic"].format(to="bob"), "hello").is_failure
    assert client.publish(up("bob", "alice", "send"), "forged").is_failure
    client.close()


def test_a_device_connects_over_the_websocket_that_it_was_told(site: ServedSite) -> None:
    told = made(site.program("alice"), DOORBELL)["mqtt"]
    credentials = Credentials("alice", told["username"], told["password"])

    with Client(site.installation.settings, credentials, websocket=True) as client:
        assert not client.connect_reason.is_failure


def test_a_device_is_itself_a_caller(site: ServedSite) -> None:
    device = made(site.program("alice"), DOORBELL)
    doorbell = site.program(device["mqtt"]["username"], device["mqtt"]["password"])

    assert doorbell.get("/api/v1/accounts/me").json()["account"] == "alice"
    [current] = [d for d in doorbell.get(DEVICES).json()["devices"] if d["current"]]
    assert current["device"] == device["device"]

    wrong = site.program(device["mqtt"]["username"], device["mqtt"]["password"] + "x")
    assert wrong.get("/api/v1/accounts/me").status_code == 401


def test_an_account_lists_its_own_devices_alone(site: ServedSite) -> None:
    alices, bobs = made(site.program("alice"), DOORBELL), made(site.program("bob"), DOORBELL)

    seen = site.program("bob").get(DEVICES).json()["devices"]

    [shown] = [device for device in seen if device["device"] == bobs["device"]]
    assert shown == {**DOORBELL, **shown, "device": bobs["device"], "current": False}
    assert set(shown) == {
        *("device", "name", "kind", "created_at", "last_used_at"),
        *("connected", "connections", "current"),
    }
    assert alices["device"] not in [device["device"] for device in seen]


def test_a_revoked_device_is_cut_off_and_dead(site: ServedSite) -> None:
    alice = site.program("alice")
    device = made(alice, DOORBELL)
    client = connect(site, device)
    as_device = site.program(device["mqtt"]["username"], device["mqtt"]["password"])

    assert alice.delete(f"{DEVICES}/{device['device']}").status_code == 204

    wait_until("the connection to be cut", lambda: client.disconnect_reason is not None, seconds=1)
    assert not is_let_in(site, device)
    assert as_device.get(DEVICES).status_code == 401
    assert device["device"] not in listed(alice)
    assert alice.delete(f"{DEVICES}/{device['device']}").status_code == 404


def test_the_device_of_another_is_not_there(site: ServedSite) -> None:
    device = made(site.program("alice"), DOORBELL)
    carol, browser = site.program("carol"), site.browser().log_in("carol")

    assert carol.delete(f"{DEVICES}/{device['device']}").status_code == 404
    assert browser.delete(f"{DEVICES}/{device['device']}").status_code == 404
    assert browser.get(f"{DEVICES}/{device['device']}/credential").status_code == 404
    assert is_let_in(site, device)


def test_a_browser_has_one_device_and_is_shown_it_again(site: ServedSite) -> None:
    browser = site.browser().log_in("alice")
    assert browser.get(f"{DEVICES}/current").status_code == 404

    device = made(browser, FIREFOX)

    assert browser.get(f"{DEVICES}/current").json() == device
    assert browser.get(f"{DEVICES}/{device['device']}/credential").json() == device
    again = browser.post(DEVICES, FIREFOX)
    assert (again.status_code, again.json()) == (200, device)
    [current] = [d for d in browser.get(DEVICES).json()["devices"] if d["current"]]
    assert current["device"] == device["device"]
    not_acceptable = browser.post(DEVICES, {**FIREFOX, "name": "x" * 65})
    assert (not_acceptable.status_code, not_acceptable.json()["field"]) == (422, "name")


def test_a_thing_that_is_made_in_a_browser_is_not_the_browsers_own(site: ServedSite) -> None:
    browser = site.browser().log_in("alice")

    doorbell = made(browser, DOORBELL)

    assert browser.get(f"{DEVICES}/current").status_code == 404
    shown = browser.get(f"{DEVICES}/{doorbell['device']}/credential")
    assert shown.json() == doorbell


def test_programs_are_not_shown_a_credential_again(site: ServedSite) -> None:
    alice = site.program("alice")
    device = made(alice, DOORBELL)

    assert alice.get(f"{DEVICES}/{device['device']}/credential").status_code == 403
    assert alice.get(f"{DEVICES}/current").status_code == 403


def test_logging_out_ends_the_browsers_device_and_every_copy_of_its_cookie(
    site: ServedSite,
) -> None:
    browser = site.browser().log_in("alice")
    device = made(browser, FIREFOX)
    copy = browser.copy()
    assert copy.get(DEVICES).status_code == 200
    client = connect(site, device)

    assert browser.log_out().headers["Location"] == "/login"

    wait_until("the connection to be cut", lambda: client.disconnect_reason is not None)
    assert browser.get(DEVICES).status_code == 401
    assert copy.get(DEVICES).status_code == 401
    assert not is_let_in(site, device)
    assert device["device"] not in listed(site.program("alice"))


def test_a_browser_whose_device_is_revoked_is_logged_out(site: ServedSite) -> None:
    at_home, at_work = site.browser().log_in("bob"), site.browser().log_in("bob")
    device = made(at_home, FIREFOX)
    made(at_work, FIREFOX)

    assert at_work.delete(f"{DEVICES}/{device['device']}").status_code == 204

    assert at_home.get(DEVICES).status_code == 401
    assert at_home.get("/").headers["Location"] == "/login"
    assert at_work.get(DEVICES).status_code == 200
    assert at_home.log_in("bob").get(f"{DEVICES}/current").status_code == 404


def test_a_browser_that_revokes_its_own_device_is_logged_out(site: ServedSite) -> None:
    browser = site.browser().log_in("bob")
    device = made(browser, FIREFOX)

    assert browser.delete(f"{DEVICES}/{device['device']}").status_code == 204

    assert browser.get(DEVICES).status_code == 401


def test_all_others_are_revoked_at_once_and_the_one_that_asks_stays(site: ServedSite) -> None:
    here, there = site.browser().log_in("carol"), site.browser().log_in("carol")
    without_device = site.browser().log_in("carol")
    own, bobs = made(here, FIREFOX), made(site.program("bob"), DOORBELL)
    others = [made(there, FIREFOX), made(there, DOORBELL)]
    connected = connect(site, others[0])

    answer = here.delete(DEVICES)

    assert (answer.status_code, answer.json()) == (200, {"revoked": 2})
    wait_until("the connection to be cut", lambda: connected.disconnect_reason is not None)
    assert listed(here) == [own["device"]]
    assert is_let_in(site, own)
    assert is_let_in(site, bobs)
    assert [is_let_in(site, other) for other in others] == [False, False]
    assert there.get(DEVICES).status_code == without_device.get(DEVICES).status_code == 401
    assert here.delete(DEVICES).json() == {"revoked": 0}


def test_a_new_password_cuts_the_other_browsers_off_and_leaves_things_alone(
    site: ServedSite,
) -> None:
    here, there = site.browser().log_in("carol"), site.browser().log_in("carol")
    own, other, lamp = made(here, FIREFOX), made(there, FIREFOX), made(here, DOORBELL)
    connected = connect(site, other)
    words = {"password": PASSWORD, "new_password": PASSWORD}

    answer = here.put("/api/v1/accounts/me/password", words)

    assert answer.status_code == 200
    wait_until("the connection to be cut", lambda: connected.disconnect_reason is not None)
    assert there.get(DEVICES).status_code == 401
    assert not is_let_in(site, other)
    assert is_let_in(site, own)
    assert is_let_in(site, lamp)


def test_a_device_that_asks_is_known_to_be_used(site: ServedSite) -> None:
    device = made(site.program("alice"), DOORBELL)
    shown = site.program("alice").get(DEVICES).json()["devices"][0]
    assert (shown["device"], shown["last_used_at"]) == (device["device"], None)

    with site.program(device["mqtt"]["username"], device["mqtt"]["password"]) as doorbell:
        first, second = (doorbell.get(DEVICES).json()["devices"][0] for _ in range(2))

    assert first["last_used_at"] is not None
    assert first["last_used_at"] == second["last_used_at"]


def test_a_device_that_has_announced_itself_is_connected_until_its_connection_ends(
    site: ServedSite,
) -> None:
    execute(site.installation, "DELETE FROM presence")
    alice = site.program("alice")
    device, other = (made(alice, DOORBELL)["device"] for _ in range(2))
    execute(
        site.installation,
        "INSERT INTO presence (account_id, connection, since_at)"
        " SELECT id, :connection, 1 FROM account WHERE name = 'alice'",
        connection=f"{device}-1",
    )

    shown = alice.get(DEVICES).json()["devices"]
    connected = {d["device"]: d["connected"] for d in shown}
    connections = {d["device"]: d["connections"] for d in shown}

    assert (connected[device], connected[other]) == (True, False)
    assert (connections[device], connections[other]) == ([f"{device}-1"], [])
    assert list(connected.values()).count(True) == 1


def test_a_deleted_account_is_cut_off(own_site: ServedSite, alice: str, bob: str) -> None:
    browser = own_site.browser().log_in(alice)
    devices = [made(browser, FIREFOX), made(browser, DOORBELL)]
    bobs = made(own_site.program(bob), DOORBELL)
    connected = [connect(own_site, device) for device in devices]

    answer = browser.delete("/api/v1/accounts/me", {"password": PASSWORD, "messages": "keep"})

    assert answer.status_code == 200
    assert answer.json()["erased"]["devices"] == 2
    for client in connected:
        wait_until("the connection to be cut", lambda c=client: c.disconnect_reason is not None)
    assert [is_let_in(own_site, device) for device in devices] == [False, False]
    assert browser.get(DEVICES).status_code == 401
    assert is_let_in(own_site, bobs)


def test_a_deletion_without_a_broker_is_finished_when_it_is_back(
    own_site: ServedSite, alice: str
) -> None:
    browser = own_site.browser().log_in(alice)
    device = made(browser, FIREFOX)
    own_site.installation.kill("broker")
    words = {"password": PASSWORD, "messages": "erase"}

    answer = browser.delete("/api/v1/accounts/me", words)

    assert answer.status_code == 503
    assert "broker cannot be told" in answer.json()["detail"]
    assert browser.get(DEVICES).status_code == 401
    own_site.installation.start("broker")
    wait_until(
        "the deletion to be finished",
        lambda: browser.delete("/api/v1/accounts/me", words).status_code == 200,
    )
    assert not is_let_in(own_site, device)


def test_a_site_that_starts_finishes_a_deletion_that_was_cut_off(
    own_site: ServedSite, alice: str, bob: str
) -> None:
    device = made(own_site.program(alice), DOORBELL)
    with own_site.installation.database.writing() as sql:
        account = account_named(sql, alice)
        assert account is not None
        begin_deletion(sql, account, erases_messages=True, login_id=None, now=now())

    own_site.stop()
    own_site.start()
    own_site.program(bob).get(DEVICES)

    finished = (
        "SELECT 1 FROM deletion JOIN account ON account.id = deletion.account_id"
        " WHERE account.name = :name AND deletion.finished_at IS NOT NULL"
    )
    wait_until(
        "the deletion to be finished", lambda: own_site.installation.rows(finished, name=alice)
    )
    assert not is_let_in(own_site, device)


def test_who_logs_in_once_more_keeps_the_device(site: ServedSite) -> None:
    browser = site.browser().log_in("alice")
    device = made(browser, FIREFOX)

    assert browser.log_in_again("alice").status_code == 302

    assert browser.get(f"{DEVICES}/current").json() == device


def test_who_logs_in_over_somebody_else_ends_that_ones_device(site: ServedSite) -> None:
    browser = site.browser().log_in("alice")
    device = made(browser, FIREFOX)

    assert browser.log_in_again("bob").status_code == 302

    assert browser.get("/api/v1/accounts/me").json()["account"] == "bob"
    assert browser.get(f"{DEVICES}/current").status_code == 404
    assert device["device"] not in listed(site.program("alice"))
    assert not is_let_in(site, device)


def test_without_a_broker_no_device_is_half_made(own_site: ServedSite, alice: str) -> None:
    program, browser = own_site.program(alice), own_site.browser().log_in(alice)
    own_site.installation.kill("broker")

    for caller in (program, browser):
        response = caller.post(DEVICES, json=FIREFOX)
        assert response.status_code == 503
        assert response.headers["Content-Type"] == "application/problem+json"
        assert "broker cannot be told" in response.json()["detail"]
        assert listed(caller) == []

    own_site.installation.start("broker")
    wait_until(
        "a device to be made", lambda: program.post(DEVICES, json=FIREFOX).status_code == 201
    )
    assert len(listed(program)) == 1


def test_without_a_broker_no_device_is_half_revoked(own_site: ServedSite, alice: str) -> None:
    program = own_site.program(alice)
    device = made(program, DOORBELL)
    path = f"{DEVICES}/{device['device']}"
    own_site.installation.kill("broker")

    assert program.delete(path).status_code == 503
    assert listed(program) == [device["device"]]

    own_site.installation.start("broker")
    assert is_let_in(own_site, device)
    wait_until("the device to be revoked", lambda: program.delete(path).status_code == 204)
    assert not is_let_in(own_site, device)


def test_without_a_broker_a_person_logs_out_all_the_same(own_site: ServedSite, alice: str) -> None:
    browser = own_site.browser().log_in(alice)
    device = made(browser, FIREFOX)
    said_before = own_site.log()
    own_site.installation.kill("broker")

    assert browser.log_out().headers["Location"] == "/login"

    assert browser.get(DEVICES).status_code == 401
    assert listed(own_site.program(alice)) == []
    assert "the broker keeps a credential" in own_site.log().removeprefix(said_before)
    own_site.installation.start("broker")
    assert not is_let_in(own_site, device)


def test_a_device_that_sql_does_not_take_is_not_left_at_the_broker(
    own_site: ServedSite, alice: str
) -> None:
    """The table refuses the row after the broker has let the device in."""
    execute(
        own_site.installation,
        "CREATE TRIGGER full BEFORE INSERT ON device BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    known = own_site.installation.issuer

    response = own_site.program(alice).post(DEVICES, json=DOORBELL)
    execute(own_site.installation, "DROP TRIGGER full")

    assert response.status_code == 500
    [answer] = known._ask([{"command": "listClients"}])
    assert not [name for name in answer["data"]["clients"] if name.startswith(f"{alice}.")]


def test_no_log_line_has_a_secret_in_it(own_site: ServedSite, alice: str) -> None:
    program, browser = own_site.program(alice), own_site.browser().log_in(alice)
    device = made(browser, FIREFOX)
    own_site.program(alice, "not my password").get(DEVICES)
    program.delete(f"{DEVICES}/{device['device']}")

    log = own_site.log()

    for event in ("a device was added", "a device was revoked", "a login failed"):
        assert event in log
    for secret in (device["mqtt"]["password"], "not my password", "correct horse battery"):
        assert secret not in log
