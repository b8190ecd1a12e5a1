"""Blocking and unblocking over HTTP. What the bridge makes of it is in `tests/bridge`."""

import pytest

from tests.web.site import Site, execute
from tests.web.visitor import assert_problem

pytestmark = pytest.mark.both_databases

BLOCKS = "/api/v1/blocks"


def blocked_by(site: Site, name: str) -> list[str]:
    return [each["account"] for each in site.program(name).get(BLOCKS).get_json()["blocks"]]


def test_who_is_blocked_is_listed_until_unblocked(site: Site) -> None:
    alice = site.program("alice")

    for name in ("carol", "bob", "bob"):
        assert alice.put(f"{BLOCKS}/{name}").status_code == 204
    [bob, _] = alice.get(BLOCKS).get_json()["blocks"]
    assert (set(bob), bob["display_name"]) == ({"account", "display_name", "created_at"}, "bob")
    assert blocked_by(site, "alice") == ["bob", "carol"]
    assert blocked_by(site, "bob") == []

    for _ in range(2):
        assert alice.delete(f"{BLOCKS}/bob").status_code == 204
    assert blocked_by(site, "alice") == ["carol"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("name", ["nobody", "Bob", "-", "b%00b"])
def test_nobody_cannot_be_blocked(site: Site, method: str, name: str) -> None:
    assert_problem(site.program("alice").open(method, f"{BLOCKS}/{name}"), 404)


def test_one_cannot_block_oneself(site: Site) -> None:
    assert_problem(site.program("alice").put(f"{BLOCKS}/alice"), 422, field="account")


def test_a_block_needs_a_login(site: Site) -> None:
    for method, path in (("GET", BLOCKS), ("PUT", f"{BLOCKS}/bob"), ("DELETE", f"{BLOCKS}/bob")):
        assert_problem(site.browser().call(method, path), 401)


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_where_one_has_blocked_the_other_neither_sees_whether_the_other_is_there(
    site: Site, who: str
) -> None:
    site.converse("alice", "bob", "hello")
    execute(
        site.installation,
        "INSERT INTO presence (account_id, connection, since_at) SELECT id, 'c', 1 FROM account",
    )

    site.program(who).put(f"{BLOCKS}/{'bob' if who == 'alice' else 'alice'}")

    for name in ("alice", "bob"):
        [line] = site.program(name).get("/api/v1/conversations").get_json()["conversations"]
        assert line["online"] is False
