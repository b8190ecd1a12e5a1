"""Every topic of the contract, built and parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import topics
from chat.topics import NotAnUpTopic, UpTopic, parse_up

ALICE = "chat/v1/up/7/alice"


def test_what_is_built_is_what_the_contract_says() -> None:
    assert topics.shard_of("alice") == 7
    assert topics.up("alice", "bob", "send") == f"{ALICE}/bob/send"
    assert topics.up_account_filter("alice") == f"{ALICE}/#"
    assert topics.up_filter(10) == "chat/v1/up/a/#"
    assert topics.down("bob", "message") == "chat/v1/down/bob/message"
    assert topics.down_filter("bob") == "chat/v1/down/bob/#"


@pytest.mark.parametrize("verb", [verb for verb in topics.VERBS if verb != "presence"])
def test_an_up_topic_is_parsed_to_what_it_was_built_from(verb: str) -> None:
    assert parse_up(topics.up("alice", "bob", verb)) == UpTopic("alice", "bob", verb)


def test_presence_is_meant_for_nobody_in_particular() -> None:
    assert parse_up(f"{ALICE}/-/presence") == UpTopic("alice", "-", "presence")


@pytest.mark.parametrize(
    ("topic", "told", "problem"),
    [
        (f"{ALICE}/bob/shout", "alice", "must end in one of send, edit, unsend"),
        (f"{ALICE}/bob/SEND", "alice", "must end in one of"),
        (f"{ALICE}/bob/", "alice", "must end in one of"),
        ("chat/v1/up/8/alice/bob/send", "alice", "names shard '8', but alice is in 7"),
        ("chat/v1/up/77/alice/bob/send", "alice", "names shard '77'"),
        ("chat/v1/up//alice/bob/send", "alice", "names shard ''"),
        (f"{ALICE}/bob", "alice", "must be chat/v1/up/<shard>/alice/<to>/<verb>"),
        (f"{ALICE}", "alice", "must be chat/v1/up"),
        (f"{ALICE}/bob/send/more", "alice", "must be chat/v1/up"),
        (f"{ALICE}/bob/presence", "alice", "must name - before presence"),
        (f"{ALICE}/-/send", "alice", "must name an account before send"),
        ("chat/v1/up/7", None, "none of this contract"),
        ("chat/v1/up/7/Alice/bob/send", None, "none of this contract"),
        ("chat/v1/down/alice/message", None, "none of this contract"),
        ("chat/v2/up/7/alice/bob/send", None, "none of this contract"),
        ("", None, "none of this contract"),
        ("/", None, "none of this contract"),
    ],
)
def test_a_wrong_topic_names_its_fault_and_who_is_to_be_told(
    topic: str, told: str | None, problem: str
) -> None:
    with pytest.raises(NotAnUpTopic, match=problem.replace("(", "\\(")) as wrong:
        parse_up(topic)

    assert wrong.value.account == told


@given(st.text(max_size=80))
def test_no_topic_breaks_the_parser(topic: str) -> None:
    try:
        parsed = parse_up(topic)
    except NotAnUpTopic:
        return
    assert topic.endswith(f"/{parsed.account}/{parsed.to}/{parsed.verb}")


@pytest.mark.parametrize(
    ("name", "acceptable"),
    [
        ("alice", True),
        ("a1", True),
        ("0-_", True),
        ("a" * 32, True),
        ("a", False),
        ("a" * 33, False),
        ("Alice", False),
        ("_admin", False),
        ("-alice", False),
        ("al.ice", False),
        ("al ice", False),
        ("alice\n", False),
        ("älice", False),
        ("al/ice", False),
        ("al+ice", False),
        ("", False),
    ],
)
def test_account_names(name: str, acceptable: bool) -> None:
    assert topics.is_account_name(name) is acceptable


@pytest.mark.parametrize(
    ("topic", "below"),
    [
        ("chat/v1/down/alice/history", True),
        ("chat/v1/down/alice/answers/7", True),
        ("chat/v1/down/alice/", False),
        ("chat/v1/down/alice", False),
        ("chat/v1/down/alice2/history", False),
        ("chat/v1/down/bob/history", False),
        ("chat/v1/down/alice/#", False),
        ("chat/v1/down/alice/+/x", False),
        ("chat/v1/up/7/alice/bob/send", False),
    ],
)
def test_an_answer_goes_only_below_the_accounts_own_down(topic: str, below: bool) -> None:
    assert topics.is_below_down(topic, "alice") is below


@pytest.mark.parametrize(
    ("topic", "account"),
    [
        ("chat/v1/down/alice/message", "alice"),
        ("chat/v1/down/alice/receipt", None),
        ("chat/v1/down/alice/answers/message", None),
        ("chat/v1/up/7/alice/bob/message", None),
        ("", None),
    ],
)
def test_who_is_told_a_message_is_read_from_its_topic(topic: str, account: str | None) -> None:
    assert topics.account_told_at(topic) == account
