"""Conversations and history over HTTP: one's own, as often as one likes, and nobody else's."""

import pytest
from sqlalchemy import event

from chat.indexing import index_messages
from tests.web.site import Site
from tests.web.visitor import assert_problem

pytestmark = pytest.mark.both_databases


@pytest.fixture
def site(site: Site) -> Site:
    """Alice has written to Bob."""
    site.converse("alice", "bob", *(f"text {number}" for number in range(1, 8)))
    return site


def test_both_members_see_the_conversation(site: Site) -> None:
    [seen_by_bob] = site.program("bob").get("/api/v1/conversations").get_json()["conversations"]
    [seen_by_alice] = site.program("alice").get("/api/v1/conversations").get_json()["conversations"]

    assert seen_by_bob == {
        "conversation": 1,
        "peer": "alice",
        "display_name": "alice",
        "kind": "person",
        "last_message": seen_by_bob["last_message"],
        "last_seq": 7,
        "read": 0,
        "delivered": 0,
        "peer_read": 0,
        "peer_delivered": 0,
        "unread": 7,
        "online": False,
        "last_seen_at": None,
        "deleted": False,
        "request": False,
        "muted": False,
        "archived": False,
        "pinned": False,
        "keep_days": None,
        "kept_days": None,
    }
    assert seen_by_bob["last_message"] == seen_by_alice["last_message"]
    assert seen_by_bob["last_message"]["from"] == "alice"
    assert seen_by_bob["last_message"]["text"] == "text 7"
    assert seen_by_alice["unread"] == 0


def test_history_comes_in_pages(site: Site) -> None:
    path = "/api/v1/conversations/alice/messages"
    bob = site.program("bob")

    newest = bob.get(f"{path}?limit=3").get_json()
    before = bob.get(f"{path}?limit=3&before={newest['messages'][0]['seq']}").get_json()
    after = bob.get(f"{path}?limit=3&after=5").get_json()

    assert [message["seq"] for message in newest["messages"]] == [5, 6, 7]
    assert newest["more"] is True
    assert [message["seq"] for message in before["messages"]] == [2, 3, 4]
    assert [message["seq"] for message in after["messages"]] == [6, 7]
    assert after["more"] is False
    assert set(newest["messages"][0]) == {
        "conversation",
        "seq",
        "id",
        "from",
        "to",
        "kind",
        "text",
        "sent_at",
        "stored_at",
    }


def test_carol_sees_nothing_of_what_alice_and_bob_say(site: Site) -> None:
    carol = site.program("carol")

    assert carol.get("/api/v1/conversations").get_json() == {"conversations": []}
    for peer in ("alice", "bob"):
        page = carol.get(f"/api/v1/conversations/{peer}/messages").get_json()
        assert page == {"messages": [], "more": False}


def test_nobody_sees_anything_without_a_login(site: Site) -> None:
    for path in ("/api/v1/conversations", "/api/v1/conversations/alice/messages"):
        assert_problem(site.browser().get(path), 401)


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("/api/v1/conversations", 1),
        ("/api/v1/conversations/alice/messages", 3),
        ("/api/v1/conversations/alice/messages?after=3", 3),
        # Nothing to look at was found.
        ("/api/v1/conversations/alice/messages?after=7", 2),
        ("/api/v1/conversations/carol/messages", 1),
        ("/api/v1/search?q=text", 7),
        ("/api/v1/search?q=text&peer=alice", 8),
        ("/api/v1/devices", 2),
        ("/api/v1/things", 4),
        ("/api/v1/blocks", 1),
        ("/api/v1/accounts/alice", 1),
        ("/api/v1/accounts/me", 0),
    ],
)
def test_the_number_of_statements_does_not_grow(site: Site, path: str, statements: int) -> None:
    index_messages(site.installation.database)
    bob = site.browser().log_in("bob")
    asking_who_it_is = 1

    with site.statements() as before:
        bob.get(path)
    for number in range(10):
        site.add_account(f"friend-{number}")
        site.converse(f"friend-{number}", "bob", *(f"text {each}" for each in range(5)))
    index_messages(site.installation.database)
    with site.statements() as after:
        bob.get(path)

    assert len(after) == asking_who_it_is + statements, after
    assert len(before) == len(after), before


@pytest.mark.parametrize("path", ["/api/v1/conversations", "/api/v1/conversations/alice/messages"])
def test_a_login_and_what_it_asks_for_are_one_transaction(site: Site, path: str) -> None:
    bob = site.browser().log_in("bob")
    begun = []

    def note(_: object) -> None:
        begun.append(True)

    event.listen(site.installation.database._engine, "begin", note)
    assert bob.get(path).status_code == 200

    assert len(begun) == 1
