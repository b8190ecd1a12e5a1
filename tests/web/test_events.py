"""Edits, unsends, reactions and replies over HTTP: in history, in the list, in an export."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from bridge.archive import Archive
from bridge.intake import command_from
from chat.payloads import MessageRecord
from chat.times import now
from chat.topics import up
from tests.web.site import Site
from tests.web.visitor import PASSWORD

pytestmark = pytest.mark.both_databases

MESSAGES = "/api/v1/conversations/alice/messages"


@pytest.fixture
def site(site: Site) -> Site:
    """Alice has written texts 1 to 3 to Bob; he has read the first one."""
    site.converse("alice", "bob", "text 1", "text 2", "text 3")
    do(site, "bob", "read", seq=1)
    return site


def do(site: Site, name: str, verb: str, **payload: Any) -> int | None:
    """As if `name` had published it to the other; answers the seq that it was given."""
    topic = up(name, "alice" if name == "bob" else "bob", verb)
    command = command_from(topic, json.dumps({"id": f"{verb}-{payload}"} | payload).encode())
    [news] = Archive(site.installation.database).store([command], now(), [])
    assert news is not None
    return news.record.seq if isinstance(news.record, MessageRecord) else None


def history(site: Site, query: str = "") -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (
        site.program("bob").get(MESSAGES + query).get_json()["messages"]
    )
    return messages


def line(site: Site, name: str) -> dict[str, Any]:
    [line] = site.program(name).get("/api/v1/conversations").get_json()["conversations"]
    found: dict[str, Any] = line
    return found


def test_a_page_shows_texts_as_they_are_now_and_the_events_of_its_range(site: Site) -> None:
    before = history(site)
    do(site, "alice", "edit", seq=1, text="text one")
    do(site, "bob", "react", seq=1, reaction="👍")
    do(site, "alice", "unsend", seq=2)
    do(site, "bob", "send", text="yes", reply_to=3)

    page = history(site)

    one, two, three, edit, _, unsend, reply = page
    assert one == before[0] | {
        "text": "text one",
        "edited_at": edit["stored_at"],
        "reactions": {"bob": "👍"},
    }
    assert two == before[1] | {"text": "", "unsent_at": unsend["stored_at"]}
    assert three == before[2]
    assert [event["kind"] for event in page[3:]] == ["edit", "reaction", "unsend", "text"]
    assert [event.get("target") for event in page[3:]] == [1, 1, 2, None]
    assert reply["reply_to"] == 3
    assert history(site, "?before=4") == page[:3]
    assert history(site, "?after=3") == page[3:]


def test_the_list_shows_the_newest_text_as_it_is_now(site: Site) -> None:
    text_3 = line(site, "alice")["last_message"]
    do(site, "alice", "edit", seq=3, text="text three")
    do(site, "bob", "react", seq=1, reaction="👍")
    last_seq = do(site, "bob", "react", seq=3, reaction="🦗")

    seen = line(site, "alice")

    assert seen["last_seq"] == last_seq == 6
    edited_at = seen["last_message"].pop("edited_at")
    assert edited_at >= text_3["stored_at"]
    assert seen["last_message"] == text_3 | {"text": "text three", "reactions": {"bob": "🦗"}}
    do(site, "alice", "unsend", seq=3)
    unsent = line(site, "bob")["last_message"]
    assert (unsent["seq"], unsent["text"], "unsent_at" in unsent) == (3, "", True)


def test_unread_are_the_texts_of_the_other_that_are_still_there(site: Site) -> None:
    do(site, "alice", "edit", seq=2, text="text two")
    do(site, "alice", "react", seq=1, reaction="👍")
    assert line(site, "bob")["unread"] == 2

    do(site, "alice", "unsend", seq=3)

    assert line(site, "bob")["unread"] == 1
    assert line(site, "alice")["unread"] == 0


def test_the_list_is_in_the_order_of_the_newest_texts(site: Site) -> None:
    site.converse("carol", "bob", "later")
    do(site, "alice", "edit", seq=1, text="an old one")

    lines = site.program("bob").get("/api/v1/conversations").get_json()["conversations"]

    assert [line["peer"] for line in lines] == ["carol", "alice"]


def test_an_export_has_all_that_is_kept_as_it_was_said(site: Site) -> None:
    do(site, "alice", "edit", seq=1, text="text one")
    do(site, "alice", "edit", seq=2, text="taken back")
    do(site, "alice", "unsend", seq=2)
    do(site, "bob", "send", text="yes", reply_to=1)

    response = site.program("bob").get("/api/v1/export", buffered=True)

    with ZipFile(BytesIO(response.data)) as archive:
        lines = [json.loads(line) for line in archive.read("messages.jsonl").splitlines()]
    assert [(line["kind"], line["text"], line.get("target")) for line in lines] == [
        ("text", "text 1", None),
        ("text", "", None),
        ("text", "text 3", None),
        ("edit", "text one", 1),
        ("edit", "", 2),
        ("unsend", "", 2),
        ("text", "yes", None),
    ]
    assert lines[-1]["reply_to"] == 1


def test_with_an_account_its_edits_and_reactions_are_erased_and_its_texts_counted(
    site: Site,
) -> None:
    do(site, "bob", "send", text="from Bob")
    do(site, "alice", "edit", seq=1, text="text one")
    do(site, "alice", "react", seq=4, reaction="👍")

    words = {"password": PASSWORD, "messages": "erase"}
    erased = site.program("alice").delete("/api/v1/accounts/me", words).get_json()["erased"]

    assert erased["messages"] == 3
    left = site.installation.rows("SELECT body FROM message WHERE body <> ''")
    assert left == [("from Bob",)]
    assert [message["text"] for message in history(site, "?before=5")] == ["", "", "", "from Bob"]
    assert "reactions" not in history(site)[3]
