"""How many new devices an account gets in a time, with its things, and whom that leaves alone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.running import Installation
from tests.web.site import Site, execute
from tests.web.visitor import Program, assert_problem
from web import create_app

pytestmark = pytest.mark.both_databases

DEVICES, THINGS = "/api/v1/devices", "/api/v1/things"
LIMIT = 3


@pytest.fixture
def site(shared_broker: Installation, password_hash: str) -> Iterator[Site]:
    """With a broker, and a limit on devices."""
    execute(shared_broker, "UPDATE account SET password_hash = :hash", hash=password_hash)
    site = Site(shared_broker)
    settings = replace(shared_broker.settings, device_limit=f"{LIMIT} per hour")
    site.app = create_app(
        settings, shared_broker.secrets, shared_broker.issuer, shared_broker.database
    )
    yield site
    with shared_broker.database.transaction() as connection:
        for table in ("rate_limit", "login", "device"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DELETE FROM account WHERE owner_id IS NOT NULL")


def add(program: Program, name: str = "a phone") -> int:
    return program.post(DEVICES, {"name": name, "kind": "phone"}).status_code


def test_an_account_adds_so_many_devices_and_is_told_when_it_may_again(site: Site) -> None:
    alice = site.program("alice")
    assert [add(alice) for _ in range(LIMIT)] == [201] * LIMIT

    refused = alice.post(DEVICES, {"name": "one more", "kind": "phone"})

    assert_problem(refused, 429, says="Too many new devices of this account; try again in")
    assert 3500 <= int(refused.headers["Retry-After"]) <= 3600
    assert len(alice.get(DEVICES).get_json()["devices"]) == LIMIT
    assert add(site.program("bob")) == 201


def test_devices_that_are_given_up_count_too_and_from_wherever_they_are_asked_for(
    site: Site,
) -> None:
    for number in range(LIMIT):
        alice = site.program("alice", address=f"192.0.2.{number}")
        made = alice.post(DEVICES, {"name": "a phone", "kind": "phone"}).get_json()
        assert alice.delete(f"{DEVICES}/{made['device']}").status_code == 204

    assert add(alice) == 429


def test_things_and_their_new_credentials_count_as_their_owners_devices(site: Site) -> None:
    alice = site.program("alice")
    assert alice.post(THINGS, {"account": "doorbell"}).status_code == 201
    assert alice.post(f"{THINGS}/doorbell/credential").status_code == 201
    assert add(alice) == 201

    assert alice.post(f"{THINGS}/doorbell/credential").status_code == 429
    assert alice.post(THINGS, {"account": "lamp"}).status_code == 429
    # The credential that it has is not taken away for one that it does not get.
    [row] = site.installation.rows(
        "SELECT count(*) FROM device JOIN account ON account.id = account_id"
        " WHERE account.name = 'doorbell'"
    )
    assert row == (1,)


def test_what_is_refused_for_another_reason_does_not_count(site: Site) -> None:
    alice = site.program("alice")
    assert [add(alice, name="") for _ in range(LIMIT)] == [422] * LIMIT

    assert add(alice) == 201


def test_a_browser_that_asks_for_its_own_device_again_gets_it_beyond_the_limit(site: Site) -> None:
    alice = site.browser().log_in("alice")
    its_own = {"name": "Firefox", "kind": "browser"}
    assert alice.call("POST", DEVICES, its_own).status_code == 201

    assert {alice.call("POST", DEVICES, its_own).status_code for _ in range(LIMIT + 1)} == {200}
