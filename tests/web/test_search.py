"""Searching: one's own conversations alone, as they are now, whatever the index has so far."""

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import delete

from chat.indexing import index_messages
from chat.models import SearchProgress, SearchText
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, Program, assert_problem

pytestmark = pytest.mark.both_databases

SAID = [
    "Do you hear the katydids tonight?",
    "All night long. The Café is full of them.",
    "今晚的漢字很難",
    "Ünïcode, STRASSE und Straße",
    "🦗 zirp",
    "100% of a_b \\ c",
    "ночь тиха, ёлка горит",
    "हिन्दी में लिखा",
    "The night train",
]


@pytest.fixture(params=[False, True], ids=["not in the index", "in the index"], scope="module")
def is_indexed(request: pytest.FixtureRequest) -> bool:
    """What has happened may be in the index or not."""
    return bool(request.param)


@pytest.fixture(scope="module")
def spoken_site(shared_site: Site) -> Site:
    _speak(shared_site)
    return shared_site


@pytest.fixture(scope="module")
def read_site(spoken_site: Site, is_indexed: bool) -> Site:
    """For tests that change nothing."""
    _forget_the_index(spoken_site)
    if is_indexed:
        _index(spoken_site)
    return spoken_site


@pytest.fixture(scope="module")
def bob(read_site: Site) -> Program:
    return read_site.program("bob")


@pytest.fixture
def site(site: Site) -> Site:
    """One of its own, in which the same was said."""
    _speak(site)
    return site


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("katydid", [1]),
        ("KATYDID", [1]),
        ("night", [9, 2, 1]),
        ("night the", [9, 2, 1]),
        ("long night", [2]),
        ('"night long"', [2]),
        ('"long night"', []),
        ("cafe", [2]),
        ("CAFÉ", [2]),
        ("漢字", [3]),
        ("難", [3]),
        ("unicode", [4]),
        ("strasse", [4]),
        ("🦗", [5]),
        ("100%", [6]),
        ("a_b", [6]),
        ("\\", [6]),
        ("a%b", []),
        ("елка", [7]),
        ("हिन्दी", [8]),
        ("में", [8]),
        ("no", []),
        ("nowhere", []),
        ("' OR 1=1 --", []),
        ('night" OR "zirp', []),
        ("*", []),
    ],
)
def test_texts_are_found_in_every_script(bob: Program, query: str, seqs: list[int]) -> None:
    answer = _search(bob, q=query)

    assert [message["seq"] for message in answer["messages"]] == seqs
    assert answer["more"] is False
    assert answer["cursor"] is None
    assert answer["complete"] is True


def test_a_hit_shows_where_the_words_are(bob: Program) -> None:
    [message] = _search(bob, q="cafe all")["messages"]

    assert message["from"] == "alice"
    assert message["text"] == SAID[1]
    assert message["snippet"] == [
        {"text": "All", "match": True},
        {"text": " night long. The ", "match": False},
        {"text": "Café", "match": True},
        {"text": " is full of them.", "match": False},
    ]


def test_what_others_say_is_not_found(read_site: Site) -> None:
    site = read_site
    carol = site.program("carol")

    assert [message["text"] for message in _search(carol, q="night")["messages"]] == ["night shift"]
    assert _search(carol, q="katydid")["messages"] == []
    assert _search(carol, q="night", peer="bob")["messages"] == []
    assert len(_search(site.program("alice"), q="night")["messages"]) == 4
    assert_problem(site.browser().get("/api/v1/search?q=night"), 401)


def test_a_search_keeps_to_one_conversation_and_to_days(site: Site, is_indexed: bool) -> None:
    alice = site.program("alice")
    execute(site.installation, "UPDATE message SET stored_at = 86400000 WHERE body LIKE '%katyd%'")
    _forget_the_index(site)
    if is_indexed:
        _index(site)

    assert _texts(_search(alice, q="night", peer="carol")) == ["night shift"]
    assert _texts(_search(alice, q="night", before="1970-01-03")) == [SAID[0]]
    assert _texts(_search(alice, q="night", after="1970-01-02", before="1970-01-03")) == [SAID[0]]
    assert _texts(_search(alice, q="night", before="1970-01-02")) == []
    assert _texts(_search(alice, q="night", before="1970-01-02T02:00:00+01:00")) == [SAID[0]]
    assert len(_texts(_search(alice, q="night", after="1970-01-03T00:00:00Z"))) == 3


def test_pages_follow_each_other(site: Site, is_indexed: bool) -> None:
    alice = site.program("alice")
    site.add_account("dave")
    site.converse("alice", "dave", *(f"page number {number}" for number in range(1, 26)))
    if is_indexed:
        _index(site)
    seen: list[str] = []
    answer = _search(alice, q="number", limit=10)
    seen += _texts(answer)

    while answer["more"]:
        answer = _search(alice, q="number", limit=10, cursor=answer["cursor"])
        seen += _texts(answer)

    assert sorted(seen) == sorted(f"page number {number}" for number in range(1, 26))
    times = [datetime.fromisoformat(message["stored_at"]) for message in answer["messages"]]
    assert times == sorted(times, reverse=True)


def test_an_edit_replaces_what_is_found_and_an_unsend_empties_it(
    site: Site, is_indexed: bool
) -> None:
    bob = site.program("bob")
    _event(site, 10, "edit", target=1, body="Do you hear the crickets tonight?")
    _event(site, 11, "reaction", target=1, body="crickets")
    _event(site, 12, "edit", target=2, body="All day long.")
    _event(site, 13, "edit", target=2, body="")
    execute(site.installation, "UPDATE message SET body = '' WHERE seq IN (2, 12)")
    execute(site.installation, "UPDATE message SET kind = 'unsend' WHERE seq = 13")
    if is_indexed:
        _index(site)

    assert _search(bob, q="katydid")["messages"] == []
    [edited] = _search(bob, q="crickets")["messages"]
    assert (edited["seq"], edited["text"]) == (1, "Do you hear the crickets tonight?")
    assert edited["edited_at"]
    assert edited["reactions"] == {"alice": "crickets"}
    for gone in ("cafe", "day long", "night long"):
        assert _search(bob, q=gone)["messages"] == []
    _index(site)
    [(kept,)] = site.installation.rows(
        "SELECT count(*) FROM search_text WHERE folded LIKE '%katydid%' OR folded LIKE '%cafe%'"
    )
    assert kept == 0
    assert len(_search(bob, q="crickets")["messages"]) == 1


def test_what_was_erased_is_in_no_index(site: Site) -> None:
    bob = site.program("bob")
    _index(site)
    [(before,)] = site.installation.rows("SELECT count(*) FROM search_text")
    assert before == len(SAID) + 1

    answer = site.program("alice").delete(
        "/api/v1/accounts/me", {"password": PASSWORD, "messages": "erase"}
    )

    assert answer.status_code in (200, 503), answer.text
    assert site.installation.rows("SELECT count(*) FROM search_text") == [(0,)]
    assert _search(bob, q="night")["messages"] == []


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ({}, "q", "is missing"),
        ({"q": ""}, "q", "what to look for"),
        ({"q": " \n"}, "q", "what to look for"),
        ({"q": "x" * 201}, "q", "200 characters"),
        ({"q": "a b c d e f g h i j k"}, "q", "10 words"),
        ({"q": ["a", "b"]}, "q", "given once"),
        ({"limit": "0"}, "limit", "from 1 to 50"),
        ({"limit": "51"}, "limit", "from 1 to 50"),
        ({"limit": "x"}, "limit", "whole number"),
        ({"cursor": "x"}, "cursor", "that of an answer"),
        ({"cursor": "-1"}, "cursor", "that of an answer"),
        ({"cursor": "٣"}, "cursor", "that of an answer"),
        ({"cursor": "1" * 20}, "cursor", "that of an answer"),
        ({"after": "yesterday"}, "after", "must be a date"),
        ({"after": "2026-13-01"}, "after", "must be a date"),
        ({"before": "2026-11-23T10:00:00"}, "before", "with its zone"),
        ({"before": "1969-01-01"}, "before", "from 1970 on"),
        ({"before": "0001-01-01T00:00:00+23:59"}, "before", "must be a date"),
        ({"after": "2026-11-23", "before": "2026-11-23"}, "before", "later than after"),
    ],
)
def test_a_search_that_is_none_is_refused(
    bob: Program, query: dict[str, Any], field: str, says: str
) -> None:
    asked = {} if "q" in query or not query else {"q": "night"}

    answer = bob.get("/api/v1/search", query_string=asked | query)

    assert_problem(answer, 422, field=field, says=says)


def test_days_far_off_can_be_asked_for(bob: Program) -> None:
    everything = _search(bob, q="katydid", after="1970-01-01", before="9999-12-31")

    assert everything["messages"] == _search(bob, q="katydid")["messages"] != []
    assert _search(bob, q="katydid", after="2110-01-01")["messages"] == []
    assert _search(bob, q="katydid", before="1970-01-01")["messages"] == []


def test_a_peer_that_is_nobody_is_not_found(bob: Program) -> None:
    assert_problem(bob.get("/api/v1/search?q=night&peer=zed"), 404, says="no account named zed")


def _search(person: Program, **query: object) -> dict[str, Any]:
    answer = person.get("/api/v1/search", query_string=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def _texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["messages"]]


def _speak(site: Site) -> None:
    """Alice has said this to Bob, and a word of it to Carol."""
    site.converse("alice", "bob", *SAID)
    site.converse("alice", "carol", "night shift")


def _forget_the_index(site: Site) -> None:
    with site.installation.database.indexing() as session:
        session.exec(delete(SearchProgress))
        session.exec(delete(SearchText))


def _index(site: Site) -> None:
    while index_messages(site.installation.database, most=4):
        pass


def _event(site: Site, seq: int, kind: str, *, target: int, body: str) -> None:
    """Alice has done this to a text of the conversation with Bob."""
    execute(
        site.installation,
        "INSERT INTO message"
        " (conversation_id, seq, sender_id, client_id, kind, body, stored_at, target_seq)"
        " VALUES (1, :seq, 1, :id, :kind, :body, 1700000000000, :target)",
        seq=seq,
        id=f"m{seq}",
        kind=kind,
        body=body,
        target=target,
    )
    execute(site.installation, "UPDATE conversation SET last_seq = :seq WHERE id = 1", seq=seq)
