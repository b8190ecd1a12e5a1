"""The own account over HTTP: its display name, what it hides, and its password."""

from typing import Any

import pytest

from tests.web.conftest import MakeSite
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, assert_problem

pytestmark = pytest.mark.both_databases

ME = "/api/v1/accounts/me"
NEW_PASSWORD = "a quite different horse"


def test_what_is_given_is_changed_and_nothing_else(site: Site) -> None:
    alice = site.program("alice")

    alice.patch(ME, {"display_name": "  Alice Lindqvist "})
    changed = alice.patch(ME, {"hides_read": True, "something": "of a later version"})

    assert changed.get_json() == {
        "account": "alice",
        "display_name": "Alice Lindqvist",
        "kind": "person",
        "hides_presence": False,
        "hides_read": True,
        "asks_first": False,
    }
    assert alice.get(ME).get_json() == changed.get_json()
    shown = site.program("bob").get("/api/v1/accounts/alice").get_json()
    assert shown == {"account": "alice", "display_name": "Alice Lindqvist", "kind": "person"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"display_name": " "}, "display_name"),
        ({"display_name": "x" * 65}, "display_name"),
        ({"display_name": "a\nb"}, "display_name"),
        ({"display_name": None}, "display_name"),
        ({"hides_presence": "yes"}, "hides_presence"),
        ({"hides_read": None, "display_name": "Alice"}, "hides_read"),
    ],
)
def test_what_is_not_acceptable_changes_nothing(
    site: Site, body: dict[str, Any], field: str
) -> None:
    response = site.program("alice").patch(ME, body)

    assert_problem(response, 422, field=field)
    assert site.program("bob").get("/api/v1/accounts/alice").get_json()["display_name"] == "alice"


def test_a_browser_changes_its_account_with_its_token_alone(site: Site) -> None:
    browser = site.browser().log_in("alice")

    assert browser.call("PATCH", ME, {"display_name": "Alice"}).status_code == 200
    browser.token = ""
    assert_problem(browser.call("PATCH", ME, {"display_name": "Mallory"}), 403)

    assert browser.get(ME).get_json()["display_name"] == "Alice"


def seen_by(site: Site, name: str) -> dict[str, Any]:
    """The one conversation in this account's list."""
    [line] = site.program(name).get("/api/v1/conversations").get_json()["conversations"]
    return dict(line)


@pytest.fixture
def talking(site: Site) -> Site:
    """Alice has written to Bob, both have read it, and both are online."""
    site.converse("alice", "bob", "hello")
    execute(site.installation, "UPDATE member SET delivered_seq = 1, read_seq = 1")
    execute(
        site.installation,
        "INSERT INTO presence (account_id, connection, since_at) SELECT id, 'c', 1 FROM account",
    )
    execute(site.installation, "UPDATE account SET last_seen_at = 1")
    return site


@pytest.mark.parametrize("hiding", ["alice", "bob"])
def test_who_hides_presence_is_not_seen_and_does_not_see(talking: Site, hiding: str) -> None:
    assert seen_by(talking, "bob")["online"]
    assert seen_by(talking, "alice")["last_seen_at"]

    talking.program(hiding).patch(ME, {"hides_presence": True})

    for name in ("alice", "bob"):
        line = seen_by(talking, name)
        assert (line["online"], line["last_seen_at"]) == (False, None)
        assert line["peer_read"] == 1


@pytest.mark.parametrize("hiding", ["alice", "bob"])
def test_who_hides_what_was_read_does_not_see_it_of_others_but_counts_its_own(
    talking: Site, hiding: str
) -> None:
    talking.program(hiding).patch(ME, {"hides_read": True})

    for name in ("alice", "bob"):
        line = seen_by(talking, name)
        assert (line["peer_read"], line["peer_delivered"]) == (0, 1)
        assert (line["read"], line["unread"]) == (1, 0)
        assert line["online"]


@pytest.mark.parametrize("blocking", ["alice", "bob"])
def test_where_a_block_stands_between_neither_sees_how_far_the_other_is(
    talking: Site, blocking: str
) -> None:
    blocked = "bob" if blocking == "alice" else "alice"
    assert talking.program(blocking).put(f"/api/v1/blocks/{blocked}").status_code == 204

    for name in ("alice", "bob"):
        line = seen_by(talking, name)
        assert (line["peer_read"], line["peer_delivered"]) == (0, 0)
        assert (line["read"], line["delivered"]) == (1, 1)
        assert (line["online"], line["last_seen_at"]) == (False, None)


def test_who_may_not_talk_with_a_thing_any_more_does_not_see_how_far_it_is(talking: Site) -> None:
    execute(
        talking.installation,
        "UPDATE account SET kind = 'thing', owner_id ="
        " (SELECT id FROM account WHERE name = 'carol') WHERE name = 'bob'",
    )

    for name in ("alice", "bob"):
        line = seen_by(talking, name)
        assert (line["peer_read"], line["peer_delivered"]) == (0, 0)
        assert line["read"] == 1


def change_password(site: Site, present: str = PASSWORD, new: str = NEW_PASSWORD) -> Any:
    words = {"password": present, "new_password": new}
    return site.program("alice").put(f"{ME}/password", words)


def test_after_a_change_the_new_password_is_the_right_one(site: Site) -> None:
    assert change_password(site).get_json() == {"logins_ended": 0}

    assert site.program("alice", password=NEW_PASSWORD).get(ME).status_code == 200
    assert site.program("alice").get(ME).status_code == 401


def test_a_change_needs_the_present_password_and_an_acceptable_new_one(site: Site) -> None:
    assert_problem(change_password(site, present="wrong"), 403, says="present password is wrong")
    assert_problem(change_password(site, new="short"), 422, field="new_password")

    assert site.program("alice").get(ME).status_code == 200


def test_guesses_at_the_present_password_are_limited(make_site: MakeSite) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="3 per hour")
    browser = site.browser().log_in("alice")
    guess = {"password": "wrong", "new_password": NEW_PASSWORD}

    answers = [browser.call("PUT", f"{ME}/password", guess).status_code for _ in range(4)]

    assert answers == [403, 403, 429, 429]
    assert browser.call("DELETE", ME, {**guess, "messages": "keep"}).status_code == 429


def test_a_change_ends_the_other_logins_alone(site: Site) -> None:
    here, there = site.browser().log_in("alice"), site.browser().log_in("alice")
    bobs = site.browser().log_in("bob")

    answer = here.call(
        "PUT", f"{ME}/password", {"password": PASSWORD, "new_password": NEW_PASSWORD}
    )

    assert answer.get_json() == {"logins_ended": 1}
    assert here.get(ME).status_code == bobs.get(ME).status_code == 200
    assert there.get(ME).status_code == 401
