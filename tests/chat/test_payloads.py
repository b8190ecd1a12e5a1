"""Every payload of the contract: what is taken, and what is answered to the rest."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.payloads import (
    TEXT_CHARACTERS,
    Announcement,
    Edit,
    HistoryRequest,
    MessageRecord,
    NotAPayload,
    React,
    Receipt,
    Send,
    Unsend,
    encode,
    parse_announcement,
    parse_edit,
    parse_history,
    parse_react,
    parse_receipt,
    parse_send,
    parse_unsend,
)

LONGEST = "ä" * TEXT_CHARACTERS


@pytest.mark.parametrize(
    ("payload", "text", "id"),
    [
        (b"hello", "hello", None),
        ("Grüße 🦗".encode(), "Grüße 🦗", None),
        (b"two\nlines", "two\nlines", None),
        (b"{ what a day", "{ what a day", None),
        (b"[1, 2]", "[1, 2]", None),
        (b'"quoted"', '"quoted"', None),
        (b"null", "null", None),
        (LONGEST.encode(), LONGEST, None),
        (b'{"text": "hello"}', "hello", None),
        (b'{"id": "a-1", "text": "hello"}', "hello", "a-1"),
        (b' \n{"id": "a-1", "text": "hello"}', "hello", "a-1"),
        (b'{"id": "a-1", "text": "hello", "mood": "good"}', "hello", "a-1"),
        (b'{"id": null, "text": "hello", "sent_at": null}', "hello", None),
        (b'{"text": "\\ud83e\\udd97"}', "🦗", None),
        (json.dumps({"id": "x" * 64, "text": LONGEST}).encode(), LONGEST, "x" * 64),
    ],
)
def test_a_text_is_taken_as_it_is_or_from_json(payload: bytes, text: str, id: str | None) -> None:
    send = parse_send(payload)

    assert (send.text, send.id) == (text, id)


@pytest.mark.parametrize(
    ("payload", "reason", "id", "detail"),
    [
        (b"", "malformed", None, "empty"),
        (b"  \n", "malformed", None, "empty"),
        (b'{"id": "a-1", "text": ""}', "malformed", "a-1", "empty"),
        (b"\xff\xfe", "malformed", None, "UTF-8"),
        (b'{"text": "\xff"}', "malformed", None, "UTF-8"),
        (b"a\0b", "malformed", None, "NUL"),
        (b'{"id": "a-1", "text": "a\\u0000b"}', "malformed", "a-1", "NUL"),
        (b'{"id": "a\\u0000", "text": "hello"}', "malformed", None, "id"),
        (b'{"text": "\\ud800"}', "malformed", None, "not JSON"),
        (b'{"text": "hello"', "malformed", None, "not JSON"),
        (b'{"text": "hello"} and more', "malformed", None, "not JSON"),
        (b"{}", "malformed", None, "text"),
        (b'{"id": "a-1"}', "malformed", "a-1", "text"),
        (b'{"id": "a-1", "text": 5}', "malformed", "a-1", "text"),
        (b'{"id": "a-1", "text": null}', "malformed", "a-1", "text"),
        (b'{"id": "a-1", "text": ["hello"]}', "malformed", "a-1", "text"),
        (b'{"id": 5, "text": "hello"}', "malformed", None, "id"),
        (b'{"id": "", "text": "hello"}', "malformed", None, "id"),
        (json.dumps({"id": "x" * 65, "text": "hello"}).encode(), "malformed", None, "id"),
        (b'{"id": "a-1", "text": "x", "sent_at": "now"}', "malformed", "a-1", "sent_at"),
        (b'{"id": "a-1", "text": "x", "sent_at": 5}', "malformed", "a-1", "sent_at"),
        (
            b'{"id": "a-1", "text": "x", "sent_at": "2026-01-01T00:00:00"}',
            "malformed",
            "a-1",
            "sent_at",
        ),
        (
            b'{"id": "a-1", "text": "x", "sent_at": "0001-01-01T00:00:00+14:00"}',
            "malformed",
            "a-1",
            "1970",
        ),
        (b'{"a":' * 50_000, "malformed", None, "nested too deeply"),
        ((LONGEST + "ä").encode(), "too-long", None, "at most 4000"),
        (json.dumps({"id": "a-1", "text": LONGEST + "ä"}).encode(), "too-long", "a-1", "4001"),
    ],
)
def test_a_wrong_text_is_told_its_fault(
    payload: bytes, reason: str, id: str | None, detail: str
) -> None:
    with pytest.raises(NotAPayload, match=detail) as wrong:
        parse_send(payload)

    assert (wrong.value.reason, wrong.value.id) == (reason, id)


def test_a_change_names_its_text() -> None:
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    edit = b'{"id": "e", "seq": 7, "text": "better", "sent_at": "2026-11-23T10:00:00+01:00"}'

    assert parse_edit(edit) == Edit("e", 7, "better", at)
    assert parse_unsend(b'{"id": "u", "seq": 7}') == Unsend("u", 7)
    assert parse_react('{"id": "r", "seq": 7, "reaction": "👍"}'.encode()) == React("r", 7, "👍")
    assert parse_send(b'{"text": "yes", "reply_to": 7}') == Send("yes", reply_to=7)


# A family and a flag are several characters, of which some are not seen by themselves.
@pytest.mark.parametrize(
    "reaction", ["", "❤️", "👩‍👩‍👧", "👍🏽", "1️⃣", "🏴\U000e0067\U000e0062\U000e007f", "+1"]
)
def test_a_reaction_is_an_emoji_or_nothing(reaction: str) -> None:
    payload = json.dumps({"id": "r", "seq": 7, "reaction": reaction}).encode()

    assert parse_react(payload).reaction == reaction


@pytest.mark.parametrize(
    "reaction",
    [*("👍 👍", " ", "a\nb", "\0", "\x85", "\u2028", "\u202e👍", "\u200b", "\ufeff"), "👍" * 33],
)
def test_a_reaction_of_anything_else_is_refused(reaction: str) -> None:
    payload = json.dumps({"id": "r", "seq": 7, "reaction": reaction}).encode()

    with pytest.raises(NotAPayload, match="reaction") as wrong:
        parse_react(payload)

    assert (wrong.value.reason, wrong.value.id) == ("malformed", "r")


@pytest.mark.parametrize(
    ("parse", "payload", "reason", "id", "detail"),
    [
        (parse_edit, b"better", "malformed", None, "not JSON"),
        (parse_edit, b"\xff", "malformed", None, "UTF-8"),
        (parse_edit, b'{"seq": 7, "text": "x"}', "malformed", None, "id"),
        (parse_edit, b'{"id": "e", "text": "x"}', "malformed", "e", "seq"),
        (parse_edit, b'{"id": "e", "seq": 0, "text": "x"}', "malformed", "e", "seq"),
        (parse_edit, b'{"id": "e", "seq": "7", "text": "x"}', "malformed", "e", "seq"),
        (parse_edit, b'{"id": "e", "seq": 7}', "malformed", "e", "text"),
        (parse_edit, b'{"id": "e", "seq": 7, "text": " "}', "malformed", "e", "empty"),
        (parse_edit, b'{"id": "e", "seq": 7, "text": "\\u0000"}', "malformed", "e", "NUL"),
        (
            parse_edit,
            json.dumps({"id": "e", "seq": 7, "text": LONGEST + "x"}).encode(),
            "too-long",
            "e",
            "4001",
        ),
        (parse_unsend, b"", "malformed", None, "not JSON"),
        (parse_unsend, b'{"id": "u"}', "malformed", "u", "seq"),
        (parse_unsend, b'{"id": "", "seq": 7}', "malformed", None, "id"),
        (parse_unsend, b'{"id": "u", "seq": 9007199254740992}', "malformed", "u", "seq"),
        (parse_unsend, b'{"id": "u", "seq": 7, "sent_at": "now"}', "malformed", "u", "sent_at"),
        (parse_react, b'{"id": "r", "seq": 7}', "malformed", "r", "reaction"),
        (parse_react, b'{"id": "r", "seq": 7, "reaction": null}', "malformed", "r", "reaction"),
        (parse_react, b'{"seq": 7, "reaction": "!"}', "malformed", None, "id"),
        (parse_send, b'{"id": "s", "text": "x", "reply_to": 0}', "malformed", "s", "reply_to"),
        (parse_send, b'{"id": "s", "text": "x", "reply_to": "7"}', "malformed", "s", "reply_to"),
    ],
)
def test_a_wrong_change_is_told_its_fault(
    parse: Callable[[bytes], object], payload: bytes, reason: str, id: str | None, detail: str
) -> None:
    with pytest.raises(NotAPayload, match=detail) as wrong:
        parse(payload)

    assert (wrong.value.reason, wrong.value.id) == (reason, id)


WRONG_NUMBERS = ["", "5", "[]", "{}", "null", '{"seq": "5"}', '{"seq": true}', '{"seq": 1.5}']
WRONG_NUMBERS += ['{"seq": -1}', '{"seq": 9007199254740992}', '{"seq": null}', "nonsense"]


@pytest.mark.parametrize("payload", WRONG_NUMBERS)
def test_a_receipt_without_a_proper_seq_is_refused(payload: str) -> None:
    with pytest.raises(NotAPayload):
        parse_receipt(payload.encode())


def test_a_receipt_carries_a_seq() -> None:
    assert parse_receipt(b'{"seq": 0}') == Receipt(0)
    assert parse_receipt(b'{"seq": 9007199254740991}') == Receipt(2**53 - 1)


def test_an_announcement_names_its_connection() -> None:
    said = parse_announcement(b'{"online": true, "connection": "c1"}')

    assert said == Announcement(online=True, connection="c1")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"true",
        b'{"online": true}',
        b'{"connection": "c1"}',
        b'{"online": "yes", "connection": "c1"}',
        b'{"online": 1, "connection": "c1"}',
        b'{"online": true, "connection": ""}',
        b'{"online": true, "connection": 7}',
        b'{"online": true, "connection": "\\u0000"}',
    ],
)
def test_a_wrong_announcement_is_refused(payload: bytes) -> None:
    with pytest.raises(NotAPayload):
        parse_announcement(payload)


def test_history_is_asked_for_with_or_without_a_cursor() -> None:
    assert parse_history(b"") == HistoryRequest()
    assert parse_history(b'{"before": 7, "limit": 200, "request": "q"}') == HistoryRequest(
        before=7, limit=200, request="q"
    )


@pytest.mark.parametrize(
    "payload",
    [
        b'{"limit": 0}',
        b'{"limit": 201}',
        b'{"limit": "5"}',
        b'{"before": -1}',
        b'{"after": 1.5}',
        b'{"request": 5}',
        b'{"before": 1, "after": 1}',
        b"[]",
        b"newest",
    ],
)
def test_a_wrong_question_is_refused(payload: bytes) -> None:
    with pytest.raises(NotAPayload):
        parse_history(payload)


PARSERS = [parse_send, parse_edit, parse_unsend, parse_react]
PARSERS += [parse_receipt, parse_announcement, parse_history]


@pytest.mark.parametrize("parse", PARSERS)
@given(payload=st.binary(max_size=200))
def test_no_payload_breaks_a_parser(parse: Callable[[bytes], object], payload: bytes) -> None:
    with suppress(NotAPayload):
        assert parse(payload) is not None


def test_a_record_goes_down_in_the_words_of_the_contract() -> None:
    record = MessageRecord(
        conversation=1,
        seq=2,
        id="a-1",
        sender="alice",
        to="bob",
        kind="text",
        text="hi",
        sent_at=None,
        stored_at="2026-11-23T20:37:15.123Z",
    )

    assert encode(record) == (
        b'{"conversation":1,"seq":2,"id":"a-1","from":"alice","to":"bob","kind":"text","text":"hi",'
        b'"sent_at":null,"stored_at":"2026-11-23T20:37:15.123Z"}'
    )
