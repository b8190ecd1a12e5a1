"""Muted, archived and pinned: each member's own business, conversation by conversation."""

from typing import Any

import pytest

from tests.web.site import Site, execute
from tests.web.visitor import Program, assert_problem

pytestmark = pytest.mark.both_databases

WITH_ALICE = "/api/v1/conversations/alice"


@pytest.fixture
def site(site: Site) -> Site:
    """Alice has written to Bob."""
    site.converse("alice", "bob", "one", "two")
    return site


@pytest.fixture
def bob(site: Site) -> Program:
    return site.program("bob")


def test_a_preference_is_kept_and_changes_nothing_for_the_other(site: Site, bob: Program) -> None:
    answer = bob.patch(WITH_ALICE, {"muted": True, "pinned": True})

    assert answer.status_code == 200
    assert answer.get_json() == _line(bob)
    assert _preferences(bob) == {"muted": True, "archived": False, "pinned": True}
    assert not any(_preferences(site.program("alice")).values())


def test_what_is_not_given_stays_as_it_was(bob: Program) -> None:
    bob.patch(WITH_ALICE, {"muted": True, "archived": True, "pinned": True})

    bob.patch(WITH_ALICE, {"pinned": False, "something else": 1})
    bob.patch(WITH_ALICE, {})

    assert _preferences(bob) == {"muted": True, "archived": True, "pinned": False}


@pytest.mark.parametrize("muted", [False, True])
def test_a_message_brings_an_archived_conversation_back_unless_it_is_muted(
    site: Site, bob: Program, muted: bool
) -> None:
    bob.patch(WITH_ALICE, {"archived": True, "muted": muted})
    assert _preferences(bob)["archived"] is True

    _write_one_more(site)

    assert _preferences(bob)["archived"] is muted
    bob.patch(WITH_ALICE, {"archived": True})
    assert _preferences(bob)["archived"] is True
    bob.patch(WITH_ALICE, {"archived": False})
    assert _preferences(bob)["archived"] is False


@pytest.mark.parametrize("archived", [False, True])
def test_muting_neither_puts_a_conversation_aside_nor_brings_it_back(
    site: Site, bob: Program, archived: bool
) -> None:
    bob.patch(WITH_ALICE, {"archived": True, "muted": archived})
    _write_one_more(site)

    bob.patch(WITH_ALICE, {"muted": not archived})

    assert _preferences(bob) == {"muted": not archived, "archived": archived, "pinned": False}


@pytest.mark.parametrize("field", ["muted", "archived", "pinned"])
@pytest.mark.parametrize("wrong", [None, 1, "true", [True]])
def test_a_preference_is_true_or_false(bob: Program, field: str, wrong: Any) -> None:
    answer = bob.patch(WITH_ALICE, {field: wrong})

    assert_problem(answer, 422, field=field, says="true or false")
    assert not any(_preferences(bob).values())


def test_carol_prefers_nothing_for_what_alice_and_bob_say(site: Site, bob: Program) -> None:
    carol = site.program("carol")

    for peer in ("alice", "bob", "carol"):
        answer = carol.patch(f"/api/v1/conversations/{peer}", {"muted": True})
        assert_problem(answer, 404, says=f"You have no conversation with {peer}")
    answer = carol.patch("/api/v1/conversations/nobody", {"muted": True})
    assert_problem(answer, 404, says="There is no account named nobody")
    assert not any(_preferences(bob).values())


def test_nothing_is_preferred_without_a_login_or_a_pages_token(site: Site, bob: Program) -> None:
    browser = site.browser()
    assert_problem(browser.call("PATCH", WITH_ALICE, {"muted": True}), 401)
    browser.log_in("bob")
    browser.token = "another"

    assert browser.call("PATCH", WITH_ALICE, {"muted": True}).status_code == 403
    assert not any(_preferences(bob).values())


def _line(person: Program) -> dict[str, Any]:
    [line] = person.get("/api/v1/conversations").get_json()["conversations"]
    return dict(line)


def _preferences(person: Program) -> dict[str, bool]:
    line = _line(person)
    return {name: line[name] for name in ("muted", "archived", "pinned")}


def _write_one_more(site: Site) -> None:
    execute(
        site.installation,
        "INSERT INTO message (conversation_id, seq, sender_id, client_id, kind, body, stored_at)"
        " VALUES (1, 3, 1, 'm3', 'text', 'three', 0)",
    )
    execute(site.installation, "UPDATE conversation SET last_seq = 3")
