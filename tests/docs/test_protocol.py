"""docs/protocol.md says what the code does: every verb, kind, reason and example of it."""

import re
from collections.abc import Callable
from typing import get_args

import msgspec
import pytest

from chat import payloads
from chat.payloads import (
    HISTORY_DEFAULT,
    HISTORY_LIMIT,
    REACTION_CHARACTERS,
    TEXT_CHARACTERS,
    Reason,
)
from chat.settings import REPOSITORY
from chat.topics import VERBS, down, down_filter, up

DOCUMENT = (REPOSITORY / "docs" / "protocol.md").read_text()
EXAMPLES = re.findall(r"```json (.+)\n((?:.|\n)+?)\n```", DOCUMENT)
PARSERS: dict[str, Callable[[bytes], object]] = {
    "send": payloads.parse_send,
    "edit": payloads.parse_edit,
    "unsend": payloads.parse_unsend,
    "react": payloads.parse_react,
    "delivered": payloads.parse_receipt,
    "read": payloads.parse_receipt,
    "presence": payloads.parse_announcement,
    "history": payloads.parse_history,
}
RECORDS = {kind: record for record, kind in payloads.KINDS.items()}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_described(verb: str) -> None:
    assert f"\n| `{verb}` |" in DOCUMENT
    assert verb == "typing" or any(name == verb for name, _ in EXAMPLES)


@pytest.mark.parametrize("kind", RECORDS)
def test_every_kind_is_described_with_an_example(kind: str) -> None:
    assert f"\n**{kind}**" in DOCUMENT
    assert any(name == f"down {kind}" for name, _ in EXAMPLES)


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_is_described(reason: str) -> None:
    assert f"\n| `{reason}` |" in DOCUMENT


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_is_one(name: str, example: str) -> None:
    direction, _, kind = name.rpartition(" ")
    if not direction:
        assert PARSERS[kind](example.encode())
        return
    record = msgspec.json.decode(example, type=RECORDS[kind])
    assert msgspec.json.decode(payloads.encode(record)) == msgspec.json.decode(example)


def test_the_limits_and_topics_are_those_of_the_code() -> None:
    assert f"1 to {TEXT_CHARACTERS:,} characters" in DOCUMENT
    assert f"to {HISTORY_LIMIT}, by default {HISTORY_DEFAULT}" in DOCUMENT
    assert f"1 to {REACTION_CHARACTERS} characters" in DOCUMENT
    assert f"-t '{up('alice', 'bob', 'send')}'" in DOCUMENT
    assert f"-t '{down_filter('alice')}'" in DOCUMENT
    assert down("<account>", "<kind>") in DOCUMENT
