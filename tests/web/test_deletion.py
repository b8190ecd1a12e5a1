"""Deleting an account: what is erased and told, what stays, and how it goes on when cut off."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from chat.accounts import account_named
from chat.deletions import begin_deletion
from chat.times import now
from tests.web.conftest import MakeSite
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, Browser, assert_problem

pytestmark = pytest.mark.both_databases

ME = "/api/v1/accounts/me"
NOTHING = {
    "devices": 0,
    "logins": 0,
    "blocks": 0,
    "invitations": 0,
    "things": 0,
    "messages": 0,
}


@pytest.fixture
def site(site: Site) -> Site:
    """Alice has written to Bob, more than is erased at once, and Bob to Carol."""
    site.converse("alice", "bob", *(f"text {number}" for number in range(1_203)))
    site.converse("bob", "carol", "not of Alice")
    return site


def delete(site: Site, messages: str, *, password: str = PASSWORD) -> TestResponse:
    words = {"password": password, "messages": messages}
    return site.program("alice").delete(ME, words)


def texts(site: Site) -> list[str]:
    """Of the newest page that Bob sees of his conversation with Alice."""
    page = site.program("bob").get("/api/v1/conversations/alice/messages?limit=2").get_json()
    return [message["text"] for message in page["messages"]]


def cut_off(site: Site, *, erases_messages: bool) -> None:
    """Begin to delete Alice's account, as a process that dies right after."""
    with site.installation.database.writing() as sql:
        alice = account_named(sql, "alice")
        assert alice is not None
        begin_deletion(sql, alice, erases_messages=erases_messages, login_id=None, now=now())


def is_finished(site: Site) -> bool:
    return bool(site.installation.rows("SELECT 1 FROM deletion WHERE finished_at IS NOT NULL"))


def test_with_its_messages_all_that_it_wrote_is_erased(site: Site) -> None:
    answer = delete(site, "erase")

    assert answer.status_code == 200
    assert answer.get_json() == {
        "account": "alice",
        "messages": "erase",
        "finished": True,
        "erased": {**NOTHING, "messages": 1_203},
    }
    assert texts(site) == ["", ""]
    left = site.installation.rows("SELECT body FROM message WHERE body <> ''")
    assert left == [("not of Alice",)]


def test_without_its_messages_others_keep_them(site: Site) -> None:
    answer = delete(site, "keep").get_json()

    assert (answer["messages"], answer["erased"]) == ("keep", NOTHING)
    assert texts(site) == ["text 1201", "text 1202"]


def test_whatever_else_is_its_own_is_erased_and_told(site: Site) -> None:
    browsers = [site.browser().log_in("alice") for _ in range(2)]
    bob = site.browser().log_in("bob")
    alice = site.program("alice")
    alice.patch(ME, {"display_name": "Alice Lindqvist"})
    alice.put("/api/v1/blocks/carol")
    site.program("bob").put("/api/v1/blocks/alice")
    execute(
        site.installation,
        "INSERT INTO invitation (digest, inviter_id, created_at, expires_at, used_by_id)"
        " SELECT 'open', id, 1, 1, NULL FROM account WHERE name = 'alice'"
        " UNION SELECT 'used', id, 1, 1, id FROM account WHERE name = 'alice'",
    )

    erased = delete(site, "keep").get_json()["erased"]

    assert erased == {**NOTHING, "logins": 2, "blocks": 1, "invitations": 1}
    for browser in browsers:
        assert browser.get(ME).status_code == 401
    assert bob.get(ME).status_code == 200
    rows = "SELECT display_name, password_hash, last_seen_at FROM account WHERE name = 'alice'"
    assert site.installation.rows(rows) == [("Deleted account", "!", None)]
    assert site.installation.rows("SELECT 1 FROM block") == []
    assert site.installation.rows("SELECT digest FROM invitation") == [("used",)]


def test_the_account_is_nobody_from_then_on_and_its_name_stays_taken(site: Site) -> None:
    delete(site, "keep")

    assert_problem(site.program("alice").get(ME), 401)
    assert_problem(delete(site, "keep"), 401)
    bob = site.program("bob")
    assert_problem(bob.get("/api/v1/accounts/alice"), 404)
    assert_problem(bob.put("/api/v1/blocks/alice"), 404)
    body = {"account": "alice", "password": PASSWORD}
    assert_problem(site.browser().call("POST", "/api/v1/accounts", body), 409)
    lines = {line["peer"]: line for line in conversations(site, "bob")}
    assert (lines["alice"]["display_name"], lines["alice"]["deleted"]) == ("Deleted account", True)
    assert (lines["carol"]["display_name"], lines["carol"]["deleted"]) == ("carol", False)


def conversations(site: Site, name: str) -> list[dict[str, Any]]:
    found = site.program(name).get("/api/v1/conversations").get_json()["conversations"]
    return list(found)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"password": "wrong", "messages": "keep"}, 403, None),
        ({"messages": "keep"}, 422, "password"),
        ({"password": PASSWORD}, 422, "messages"),
        ({"password": PASSWORD, "messages": True}, 422, "messages"),
        ({"password": PASSWORD, "messages": "some"}, 422, "messages"),
    ],
)
def test_without_the_password_or_the_choice_nothing_is_deleted(
    site: Site, body: dict[str, Any], status: int, field: str | None
) -> None:
    browser = site.browser().log_in("alice")

    assert_problem(browser.call("DELETE", ME, body), status, field=field)

    assert browser.get(ME).status_code == 200
    assert site.installation.rows("SELECT 1 FROM deletion") == []


def test_a_deletion_that_was_cut_off_is_finished_by_asking_again(site: Site) -> None:
    cut_off(site, erases_messages=True)
    assert_problem(site.program("alice").get(ME), 401)
    assert_problem(delete(site, "keep", password="wrong"), 403)

    answer = delete(site, "keep").get_json()

    # What was asked for first still holds.
    assert (answer["messages"], answer["erased"]["messages"]) == ("erase", 1_203)
    assert texts(site) == ["", ""]
    assert is_finished(site)


def test_a_deletion_that_was_cut_off_is_finished_by_the_next_login(site: Site) -> None:
    cut_off(site, erases_messages=True)
    browser = site.browser()
    browser.get("/login")

    wrong = browser.send_form("/login", account="alice", password="wrong")
    assert not is_finished(site)
    right = browser.send_form("/login", account="alice", password=PASSWORD)

    assert wrong.status_code == right.status_code == 401
    assert "name or the password is wrong" in right.text
    assert is_finished(site)
    assert texts(site) == ["", ""]


def test_a_browser_that_asked_may_ask_again_and_for_nothing_else(site: Site) -> None:
    browser: Browser = site.browser().log_in("alice")
    [(login_id,)] = site.installation.rows("SELECT id FROM login")
    with site.installation.database.writing() as sql:
        alice = account_named(sql, "alice")
        assert alice is not None
        begin_deletion(sql, alice, erases_messages=False, login_id=str(login_id), now=now())

    assert browser.get(ME).status_code == 401
    assert browser.get("/").location == "/login"
    assert browser.get("/login").status_code == 200
    words = {"password": PASSWORD, "messages": "keep"}
    assert browser.call("DELETE", ME, words).get_json()["erased"]["logins"] == 1
    assert browser.call("DELETE", ME, words).status_code == 401


def test_guesses_at_the_password_are_limited(make_site: MakeSite) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="2 per hour")
    browser = site.browser().log_in("alice")

    answers = [
        browser.call("DELETE", ME, {"password": "x", "messages": "keep"}).status_code
        for _ in range(3)
    ]

    assert answers == [403, 429, 429]
