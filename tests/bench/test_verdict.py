"""What the ledgers believe against what the archive has."""

import json
from pathlib import Path

import pytest

from bench.chaos.ledger import (
    ARCHIVED,
    BEGUN,
    HANDED_OVER,
    OFFERED,
    SHOWN,
    Event,
    Ledger,
    events,
    next_number,
    text_of,
)
from bench.chaos.verdict import JUDGED, Kind, Row, verdict

KINDS = {"alice": "good", "bob": "good"}
ONE, TWO, THREE = (text_of("alice", number) for number in (1, 2, 3))


def said(what: str, text: str = "", *, account: str = "alice", at: float = 0.0) -> Event:
    peer = "bob" if account == "alice" else "alice"
    return Event(what=what, account=account, peer=peer, text=text, at=at)


def shown(text: str, seq: int | None = None, *, at: float = 0.0) -> Event:
    """What Bob was shown of Alice."""
    return Event(what=SHOWN, account="bob", peer="alice", text=text, seq=seq, sender="alice", at=at)


def sent(*texts: str) -> list[Event]:
    return [said(what, text) for text in texts for what in (OFFERED, HANDED_OVER)]


def archive(*texts: str) -> list[Row]:
    return [
        Row(conversation=1, seq=seq, sender="alice", text=text)
        for seq, text in enumerate(texts, start=1)
    ]


def judge(ledgers: list[list[Event]], rows: list[Row]) -> Kind:
    return verdict(KINDS, ledgers, rows)["good"]


def wrong(kind: Kind) -> dict[str, int]:
    """What is wrong, and how often."""
    return {name: getattr(kind, name) for name in JUDGED if getattr(kind, name)}


def test_what_was_sent_archived_and_shown_once_in_order_is_clean() -> None:
    found = judge([sent(ONE, TWO), [shown(ONE, 1), shown(TWO, 2)]], archive(ONE, TWO))

    assert found.is_clean
    assert (found.sent, found.archived, found.shown) == (2, 2, 2)


@pytest.mark.parametrize(
    ("ledgers", "rows", "expected"),
    [
        ([sent(ONE, TWO)], archive(ONE), {"lost": 1}),
        ([[said(ARCHIVED, ONE)]], archive(), {"lost": 1}),
        ([sent(ONE)], archive(ONE, ONE), {"doubled": 1}),
        ([sent(ONE, TWO)], archive(TWO, ONE), {"disordered": 1}),
        ([[]], archive(ONE), {"invented": 1}),
        ([sent(ONE), [shown(ONE, 1), shown(TWO, 2)]], archive(ONE), {"shown_not_archived": 1}),
        ([sent(ONE), [shown(ONE, 2)]], archive(ONE), {"shown_not_archived": 1}),
        ([sent(ONE), [shown(ONE, 1), shown(ONE, 1)]], archive(ONE), {"shown_twice": 1}),
        (
            [sent(ONE, TWO), [shown(TWO, 2), shown(ONE, 1)]],
            archive(ONE, TWO),
            {"shown_disordered": 1},
        ),
        ([sent(ONE, TWO), [shown(TWO, 2)]], archive(ONE, TWO), {"not_shown": 1}),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_whatever_is_wrong_is_found(
    ledgers: list[list[Event]], rows: list[Row], expected: dict[str, int]
) -> None:
    found = judge(ledgers, rows)

    assert wrong(found) == expected
    assert not found.is_clean


def test_what_a_kill_cut_off_before_it_was_handed_over_may_be_archived_or_not() -> None:
    offered = [said(OFFERED, ONE)]

    assert judge([offered], archive()).is_clean
    assert judge([offered], archive(ONE)).is_clean
    assert judge([offered], archive()).unsure == 1


def test_what_is_shown_again_after_a_kill_is_not_shown_twice() -> None:
    lives = [
        said(BEGUN, account="bob"),
        shown(ONE, 1),
        shown(TWO, 2),
        said(BEGUN, account="bob"),
        shown(TWO, 2),
        shown(THREE, 3),
    ]

    assert judge([sent(ONE, TWO, THREE), lives], archive(ONE, TWO, THREE)).is_clean


def test_the_longest_pause_is_that_of_anybody() -> None:
    ledger = [shown(ONE, 1, at=10.0), shown(TWO, 2, at=12.5), shown(THREE, 3, at=13.0)]

    found = judge([sent(ONE, TWO, THREE), ledger], archive(ONE, TWO, THREE))

    assert found.longest_pause_seconds == 2.5


def test_kinds_are_judged_apart() -> None:
    kinds = {"alice": "with an outbox", "carol": "without"}
    rows = [Row(conversation=1, seq=1, sender="alice", text=ONE)]
    lost = [
        Event(what=what, account="carol", peer="bob", text=text_of("carol", 1))
        for what in (OFFERED, HANDED_OVER)
    ]

    found = verdict(kinds, [sent(ONE), lost], rows)

    assert found["with an outbox"].is_clean
    assert found["without"].lost == 1


def test_a_ledger_that_was_cut_off_in_a_line_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    first = Ledger(file)
    first.note(OFFERED, "alice", "bob", text=ONE)
    first.close()
    with file.open("a") as cut_off:
        cut_off.write(json.dumps({"what": OFFERED})[:10])

    Ledger(file).note(OFFERED, "alice", "bob", text=TWO)

    assert [event.text for event in events(file)] == [ONE, TWO]
    assert next_number(file, "alice", "bob") == 3
