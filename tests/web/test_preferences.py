"""Muted, archived and pinned: each member's own business, conversation by conversation."""

from typing import Any

import pytest

from tests.web.conftest import MakeSite
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


@pytest.mark.parametrize(
    ("installation", "alices", "bobs", "kept"),
    [
        ("forever", None, None, None),
        ("forever", 30, None, 30),
        ("forever", 30, 7, 7),
        ("14", None, None, 14),
        ("14", 30, None, 14),
        ("14", 30, 1, 1),
    ],
)
def test_the_fewest_days_for_which_anybody_wants_it_kept_hold_for_both(
    make_site: MakeSite, installation: str, alices: int | None, bobs: int | None, kept: int | None
) -> None:
    site = make_site(KATYDID_KEEP_DAYS=installation)
    site.converse("alice", "bob", "one")
    alice, bob = site.program("alice"), site.program("bob")

    alice.patch("/api/v1/conversations/bob", {"keep_days": alices})
    answer = bob.patch(WITH_ALICE, {"keep_days": bobs})

    assert answer.get_json() == _line(bob)
    for person, own in ((alice, alices), (bob, bobs)):
        line = _line(person)
        assert (line["keep_days"], line["kept_days"]) == (own, kept)
    bob.patch(WITH_ALICE, {"muted": True})
    assert _line(bob)["keep_days"] == bobs
    bob.patch(WITH_ALICE, {"keep_days": None})
    assert _line(bob)["keep_days"] is None


@pytest.mark.parametrize("wrong", [0, -1, 100_000, 1.5, "7", True, [7]])
def test_days_are_a_whole_number_or_null(bob: Program, wrong: Any) -> None:
    answer = bob.patch(WITH_ALICE, {"keep_days": wrong})

    assert_problem(answer, 422, field="keep_days")
    assert _line(bob)["keep_days"] is None


def test_what_is_asked_of_a_conversation_of_which_nothing_is_kept_is_answered(
    site: Site, bob: Program
) -> None:
    execute(site.installation, "DELETE FROM message")

    answer = bob.patch(WITH_ALICE, {"archived": True, "keep_days": 1})

    assert answer.get_json()["last_message"] is None
    assert _preferences(bob) == {"muted": False, "archived": True, "pinned": False}
    bob.patch(WITH_ALICE, {"muted": True})
    assert _preferences(bob) == {"muted": True, "archived": True, "pinned": False}


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
