"""Things at the site and the real broker: made, listed, allowed to talk, given a new credential,
deleted; and what a thing itself may not do."""

from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from chat import things as rules
from chat.accounts import account_named
from chat.deletions import begin_deletion
from chat.times import now
from chat.topics import down_filter, up
from mqtt_acl.issuer import Credentials
from tests.mqtt import Client
from tests.people import add_thing
from tests.running import Installation, wait_until
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, Program, assert_problem

pytestmark = pytest.mark.both_databases

THINGS = "/api/v1/things"
ME = "/api/v1/accounts/me"


@pytest.fixture(scope="module")
def whole(shared_broker: Installation, password_hash: str) -> Site:
    return Site(shared_broker)


@pytest.fixture
def site(whole: Site, password_hash: str) -> Iterator[Site]:
    """With a broker; whatever things there were are forgotten."""
    execute(
        whole.installation,
        "UPDATE account SET password_hash = :hash, display_name = name, deleted_at = NULL",
        hash=password_hash,
    )
    yield whole
    with whole.installation.database.transaction() as connection:
        for table in ("allowance", "presence", "deletion", "login"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        for table in ("message", "member", "conversation", "device"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DELETE FROM account WHERE owner_id IS NOT NULL")


def made(site: Site, name: str = "doorbell", **others: str) -> dict[str, Any]:
    response = site.program("alice").post(THINGS, {"account": name, **others})
    assert response.status_code == 201, response.text
    answer = response.get_json()
    assert isinstance(answer, dict)
    return answer


def connect(site: Site, told: dict[str, Any]) -> Client:
    mqtt = told["mqtt"]
    credentials = Credentials("", mqtt["username"], mqtt["password"])
    return Client(site.installation.settings, credentials, client_id=mqtt["client_id"]).connect()


def as_thing(site: Site, told: dict[str, Any]) -> Program:
    return Program(site.app, told["mqtt"]["username"], told["mqtt"]["password"])


def listed(site: Site, owner: str = "alice") -> list[dict[str, Any]]:
    found = site.program(owner).get(THINGS).get_json()["things"]
    assert isinstance(found, list)
    return found


def test_a_new_thing_is_told_all_it_needs_once(site: Site) -> None:
    response = site.program("alice").post(
        THINGS, {"account": "doorbell", "display_name": "Front door"}
    )

    assert (response.status_code, response.headers["Location"]) == (
        201,
        "/api/v1/accounts/doorbell",
    )
    told = response.get_json()
    name = f"doorbell.{told['device']}"
    mqtt = told["mqtt"]
    assert (mqtt["username"], mqtt["client_id"]) == (name, name)
    assert mqtt["send_topic"] == up("doorbell", "{to}", "send")
    [thing] = listed(site)
    assert thing == {
        "account": "doorbell",
        "display_name": "Front door",
        "created_at": told["created_at"],
        "last_used_at": None,
        "last_seen_at": None,
        "online": False,
        "allowed": [],
    }
    assert mqtt["password"] not in site.program("alice").get(THINGS).text
    assert listed(site, "bob") == []


def test_the_line_under_the_qr_code_has_all_of_it(site: Site) -> None:
    told = made(site)

    url = urlsplit(told["url"])
    mqtt = told["mqtt"]
    assert (url.scheme, url.hostname, url.port) == ("mqtt", mqtt["host"], mqtt["port"])
    assert (url.username, url.password) == (mqtt["username"], mqtt["password"])
    assert f"{url.path[1:]}/{{to}}/send" == mqtt["send_topic"]
    assert url.query == "owner=alice"
    kind, _, picture = told["qr"].partition(",")
    assert kind.startswith("data:image/svg+xml")
    svg = b64decode(picture).decode() if kind.endswith("base64") else unquote(picture)
    assert "<svg" in svg
    assert "<script" not in svg


def test_a_thing_connects_as_itself_and_asks_over_http(site: Site) -> None:
    told = made(site)

    with connect(site, told) as doorbell:
        assert not doorbell.subscribe(down_filter("doorbell")).is_failure
        assert doorbell.subscribe(down_filter("alice")).is_failure
        assert doorbell.publish(up("alice", "bob", "send"), "as its owner").is_failure
    assert as_thing(site, told).get(ME).get_json()["kind"] == "thing"
    assert as_thing(site, told).get("/api/v1/conversations").status_code == 200
    assert listed(site)[0]["last_used_at"] is not None
    assert as_thing(site, told).get("/api/v1/export", buffered=True).status_code == 200


def test_a_thing_has_no_password_and_comes_in_by_no_page(site: Site) -> None:
    made(site)
    browser = site.browser()
    browser.get("/login")

    for password in ("!", "", PASSWORD, "nobody has this password"):
        answer = browser.send_form("/login", account="doorbell", password=password)
        assert answer.status_code == 401
        assert_problem(Program(site.app, "doorbell", password).get(ME), 401)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", THINGS, {"account": "another"}),
        ("GET", THINGS, None),
        ("DELETE", f"{THINGS}/doorbell", None),
        ("PUT", f"{THINGS}/doorbell/allowed/bob", None),
        ("DELETE", f"{THINGS}/doorbell/allowed/bob", None),
        ("POST", f"{THINGS}/doorbell/credential", None),
        ("POST", "/api/v1/devices", {"name": "x", "kind": "thing"}),
        ("DELETE", "/api/v1/devices", None),
        ("DELETE", "/api/v1/devices/abc", None),
        ("POST", "/api/v1/invitations", None),
        ("PUT", "/api/v1/blocks/alice", None),
        ("DELETE", "/api/v1/blocks/alice", None),
        ("PATCH", ME, {"display_name": "Alice"}),
        ("PUT", f"{ME}/password", {"password": "!", "new_password": PASSWORD}),
        ("DELETE", ME, {"password": "!", "messages": "keep"}),
    ],
)
def test_what_is_its_owners_to_do_a_thing_may_not(
    site: Site, method: str, path: str, body: dict[str, str] | None
) -> None:
    doorbell = as_thing(site, made(site))

    assert_problem(doorbell.open(method, path, json=body), 403)


def test_of_anothers_thing_nobody_is_told_more_than_of_none(site: Site) -> None:
    made(site)
    bob = site.program("bob")

    for name in ("doorbell", "nothing", "alice", "%00", "x" * 300):
        for method, path in (
            ("DELETE", name),
            ("PUT", f"{name}/allowed/bob"),
            ("DELETE", f"{name}/allowed/bob"),
            ("POST", f"{name}/credential"),
        ):
            assert_problem(bob.open(method, f"{THINGS}/{path}"), 404, says="You have no thing")
    for method, path in (("GET", THINGS), ("POST", THINGS), ("DELETE", f"{THINGS}/doorbell")):
        assert_problem(site.browser().call(method, path), 401)
    assert [thing["account"] for thing in listed(site)] == ["doorbell"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "account"),
        ({"account": 7}, 422, "account"),
        ({"account": "Front door"}, 422, "account"),
        ({"account": "me"}, 422, "account"),
        ({"account": "bob"}, 409, None),
        ({"account": "doorbell", "display_name": " \n"}, 422, "display_name"),
        ({"account": "doorbell", "display_name": "x" * 65}, 422, "display_name"),
    ],
)
def test_a_thing_is_called_as_an_account_is(
    site: Site, body: dict[str, Any], status: int, field: str | None
) -> None:
    assert_problem(site.program("alice").post(THINGS, body), status, field=field)
    assert listed(site) == []


def test_an_owner_has_so_many_things_and_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_THINGS", 2)
    monkeypatch.setattr(rules, "MOST_THINGS_EVER", 3)
    for name in ("one", "two"):
        add_thing(site.installation.database, "alice", name)
    alice = site.program("alice")

    assert_problem(alice.post(THINGS, {"account": "three"}), 422, says="2 things")
    assert alice.delete(f"{THINGS}/two").status_code == 200
    made(site, "three")
    assert alice.delete(f"{THINGS}/three").status_code == 200
    assert_problem(alice.post(THINGS, {"account": "four"}), 422, says="made 3 things")
    assert site.program("bob").post(THINGS, {"account": "four"}).status_code == 201


def test_a_person_makes_things_in_a_browser_too_and_where_nobody_may_register(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = site.installation.settings
    parts = replace(
        site.app.extensions["katydid"], settings=replace(settings, registration="closed")
    )
    monkeypatch.setitem(site.app.extensions, "katydid", parts)
    browser = site.browser().log_in("alice")

    assert browser.call("POST", THINGS, {"account": "doorbell"}).status_code == 201
    body = {"account": "dave", "password": PASSWORD}
    assert_problem(site.browser().call("POST", "/api/v1/accounts", body), 403)


def test_whom_the_owner_allows_is_listed_until_not_allowed_any_more(site: Site) -> None:
    made(site)
    alice = site.program("alice")

    for _ in range(2):
        assert alice.put(f"{THINGS}/doorbell/allowed/carol").status_code == 204
        assert alice.put(f"{THINGS}/doorbell/allowed/bob").status_code == 204
    assert listed(site)[0]["allowed"] == ["bob", "carol"]
    for _ in range(2):
        assert alice.delete(f"{THINGS}/doorbell/allowed/carol").status_code == 204
    assert listed(site)[0]["allowed"] == ["bob"]


def test_nobody_unknown_is_allowed_nor_who_always_may_nor_too_many(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(site)
    alice = site.program("alice")

    assert_problem(alice.put(f"{THINGS}/doorbell/allowed/nobody"), 404, says="nobody")
    assert_problem(alice.delete(f"{THINGS}/doorbell/allowed/nobody"), 404, says="nobody")
    assert_problem(alice.put(f"{THINGS}/doorbell/allowed/alice"), 422, field="account")
    assert_problem(alice.put(f"{THINGS}/doorbell/allowed/doorbell"), 422, field="account")
    monkeypatch.setattr(rules, "MOST_ALLOWED", 1)
    assert alice.put(f"{THINGS}/doorbell/allowed/bob").status_code == 204
    assert_problem(alice.put(f"{THINGS}/doorbell/allowed/carol"), 422, says="1 accounts")


def test_with_a_new_credential_the_old_one_is_dead_at_once(site: Site) -> None:
    old = made(site)
    client = connect(site, old)

    answer = site.program("alice").post(f"{THINGS}/doorbell/credential")

    assert answer.status_code == 201
    new = answer.get_json()
    wait_until("the connection to be cut", lambda: client.disconnect_reason is not None)
    assert connect(site, old).connect_reason.is_failure
    assert_problem(as_thing(site, old).get(ME), 401)
    with connect(site, new) as again:
        assert not again.connect_reason.is_failure
    assert as_thing(site, new).get(ME).status_code == 200
    assert new["url"] != old["url"]
    assert site.installation.rows("SELECT count(*) FROM device") == [(1,)]


def test_of_many_who_ask_for_a_new_credential_at_once_one_is_left_with_it(site: Site) -> None:
    made(site)

    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda _: site.program("alice").post(f"{THINGS}/doorbell/credential"), range(4)
            )
        )

    told = [answer.get_json() for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [as_thing(site, each).get(ME).status_code for each in told].count(200) == 1
    assert site.installation.rows("SELECT count(*) FROM device") == [(1,)]


def test_a_deleted_thing_is_cut_off_and_its_name_stays_taken(site: Site) -> None:
    told = made(site)
    alice = site.program("alice")
    alice.put(f"{THINGS}/doorbell/allowed/bob")
    site.converse("doorbell", "alice", "Somebody is at the door")
    client = connect(site, told)

    assert_problem(alice.delete(f"{THINGS}/doorbell?messages=some"), 422, field="messages")
    answer = alice.delete(f"{THINGS}/doorbell?messages=erase")

    assert answer.status_code == 200
    erased = answer.get_json()
    assert (erased["account"], erased["finished"]) == ("doorbell", True)
    assert (erased["erased"]["devices"], erased["erased"]["messages"]) == (1, 1)
    wait_until("the connection to be cut", lambda: client.disconnect_reason is not None)
    assert_problem(as_thing(site, told).get(ME), 401)
    assert listed(site) == []
    assert site.installation.rows("SELECT 1 FROM allowance") == []
    assert_problem(alice.post(THINGS, {"account": "doorbell"}), 409)
    assert_problem(alice.delete(f"{THINGS}/doorbell"), 404)
    assert_problem(alice.post(f"{THINGS}/doorbell/credential"), 404)
    [line] = alice.get("/api/v1/conversations").get_json()["conversations"]
    assert (line["deleted"], line["last_message"]["text"]) == (True, "")


@pytest.mark.parametrize(("messages", "kept"), [("erase", ""), ("keep", "Somebody is here")])
def test_an_owners_things_go_with_the_owner(site: Site, messages: str, kept: str) -> None:
    told = made(site)
    add_thing(site.installation.database, "alice", "lamp", "bob")
    add_thing(site.installation.database, "bob", "radio", "alice")
    site.converse("doorbell", "bob", "Somebody is here")
    client = connect(site, told)

    answer = site.program("alice").delete(ME, {"password": PASSWORD, "messages": messages})

    erased = answer.get_json()
    assert (erased["finished"], erased["erased"]["things"]) == (True, 2)
    wait_until("the connection to be cut", lambda: client.disconnect_reason is not None)
    for name in ("doorbell", "lamp"):
        assert_problem(site.program("bob").get(f"/api/v1/accounts/{name}"), 404)
    assert listed(site, "bob")[0]["allowed"] == []
    [line] = site.program("bob").get("/api/v1/conversations").get_json()["conversations"]
    assert line["last_message"]["text"] == kept
    unfinished = "SELECT 1 FROM deletion WHERE finished_at IS NULL"
    assert site.installation.rows(unfinished) == []


def test_a_deletion_that_was_cut_off_is_finished_with_the_things(site: Site) -> None:
    made(site)
    site.converse("doorbell", "bob", "Somebody is here")
    with site.installation.database.writing() as sql:
        alice = account_named(sql, "alice")
        assert alice is not None
        begin_deletion(sql, alice, erases_messages=False, login_id=None, now=now())

    answer = site.program("alice").delete(ME, {"password": PASSWORD, "messages": "erase"})

    assert answer.get_json()["erased"]["things"] == 1
    done = "SELECT erases_messages, devices FROM deletion WHERE finished_at IS NOT NULL"
    assert sorted(site.installation.rows(done)) == [(1, 0), (1, 1)]
    assert site.installation.rows("SELECT body FROM message") == [("",)]


def test_the_list_of_conversations_says_that_it_is_a_thing_and_who_may_not_sees_no_presence(
    site: Site,
) -> None:
    made(site)
    execute(
        site.installation,
        "INSERT INTO presence (account_id, connection, since_at)"
        " SELECT id, 'c1', 1 FROM account WHERE name IN ('doorbell', 'carol')",
    )
    for name in ("alice", "bob", "carol"):
        site.converse("doorbell", name, "hello")
    site.program("alice").put(f"{THINGS}/doorbell/allowed/bob")

    lines = {
        name: site.program(name).get("/api/v1/conversations").get_json()["conversations"][0]
        for name in ("alice", "bob", "carol")
    }

    assert {line["kind"] for line in lines.values()} == {"thing"}
    shown = {name: line["online"] for name, line in lines.items()}
    assert shown == {"alice": True, "bob": True, "carol": False}
    assert listed(site)[0]["online"]
