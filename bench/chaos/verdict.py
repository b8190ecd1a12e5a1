"""What became of the messages: the ledgers held against the archive.

Pure. A message is told from all others by its text, never by its id: so one that a sender would
give two ids counts as doubled, too.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from bench.chaos.ledger import (
    ACKNOWLEDGED,
    ARCHIVED,
    BEGUN,
    HANDED_OVER,
    OFFERED,
    SHOWN,
    Event,
    number_of,
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A message as SQL has it."""

    conversation: int
    seq: int
    sender: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What became of the messages of one kind of participants.

    `sent` counts what was handed over for good: into an outbox, or, where there is none, to a
    program that publishes it. `lost` is what of it is not archived, `lost_acknowledged` what the
    broker had acknowledged of that. `unsure` was cut off before it was handed over, by a kill, and
    may be archived or not.
    """

    sent: int = 0
    unsure: int = 0
    acknowledged: int = 0
    archived: int = 0
    lost: int = 0
    lost_acknowledged: int = 0
    doubled: int = 0
    disordered: int = 0
    invented: int = 0
    shown: int = 0
    shown_not_archived: int = 0
    shown_twice: int = 0
    shown_disordered: int = 0
    not_shown: int = 0
    longest_pause_seconds: float = 0.0
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled or out of order, and everything shown as it is archived."""
        return not any(getattr(self, name) for name in JUDGED)


JUDGED = (
    "lost",
    "doubled",
    "disordered",
    "invented",
    "shown_not_archived",
    "shown_twice",
    "shown_disordered",
    "not_shown",
)
_EXAMPLES = 5


def verdict(
    kinds: Mapping[str, str], ledgers: Iterable[Sequence[Event]], archive: Sequence[Row]
) -> Mapping[str, Kind]:
    """By the kind of participant; `kinds` has that of each account. One ledger's events are in the
    order in which they were noted."""
    books = list(ledgers)
    found = {}
    for kind in sorted(set(kinds.values())):
        accounts = {account for account, its in kinds.items() if its == kind}
        found[kind] = _of_kind(accounts, books, archive)
    return found


def as_json(found: Mapping[str, Kind]) -> Mapping[str, Mapping[str, Any]]:
    """The same for a file."""
    return {kind: asdict(each) for kind, each in found.items()}


def _of_kind(
    accounts: set[str], ledgers: Sequence[Sequence[Event]], archive: Sequence[Row]
) -> Kind:
    own = [[event for event in ledger if event.account in accounts] for ledger in ledgers]
    everything = [event for ledger in own for event in ledger]
    rows = [row for row in archive if row.sender in accounts]
    wrong = {**_wrong_in_the_archive(everything, rows), **_wrong_on_screens(own, archive)}
    acknowledged = _texts(everything, ACKNOWLEDGED)
    sent = _texts(everything, HANDED_OVER)
    return Kind(
        sent=len(sent),
        unsure=len(_texts(everything, OFFERED) - sent),
        acknowledged=len(acknowledged),
        archived=len({row.text for row in rows}),
        lost_acknowledged=len(acknowledged & set(wrong["lost"])),
        shown=len(_texts(everything, SHOWN)),
        longest_pause_seconds=_longest_pause_seconds(own),
        examples={name: texts[:_EXAMPLES] for name, texts in wrong.items() if texts},
        **{name: len(texts) for name, texts in wrong.items()},
    )


# What senders handed over, and the archive has.


def _wrong_in_the_archive(said: Sequence[Event], rows: Sequence[Row]) -> dict[str, list[str]]:
    counts = Counter(row.text for row in rows)
    # Who was told that it is archived need not have had the time to note that it was handed over.
    sent = _texts(said, HANDED_OVER) | _texts(said, ARCHIVED)
    return {
        "lost": sorted(sent - set(counts)),
        "doubled": sorted(text for text, count in counts.items() if count > 1),
        "disordered": _disordered(rows),
        "invented": sorted(set(counts) - _texts(said, OFFERED) - sent),
    }


def _disordered(rows: Sequence[Row]) -> list[str]:
    """What stands behind a later one of the same sender."""
    by_sender: defaultdict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.conversation, row.seq)):
        by_sender[row.conversation, row.sender].append(row)
    return [
        after.text
        for own in by_sender.values()
        for before, after in pairwise(own)
        if number_of(after.text) < number_of(before.text)
    ]


# What receivers were shown.


@dataclass(frozen=True)
class _Screen:
    """What an account was shown of a conversation, in that order, in each of its lives."""

    lives: Sequence[Sequence[Event]]

    @property
    def all(self) -> Sequence[Event]:
        return [event for life in self.lives for event in life]


def _wrong_on_screens(
    ledgers: Sequence[Sequence[Event]], archive: Sequence[Row]
) -> dict[str, list[str]]:
    rows = {(row.sender, row.text): row for row in archive}
    by_members: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
    for key, row in rows.items():
        by_members[row.conversation].add(key)
    screens = [screen for ledger in ledgers for screen in _screens(ledger)]
    return {
        "shown_not_archived": [
            event.text
            for screen in screens
            for event in screen.all
            if not _is_archived(event, rows)
        ],
        "shown_twice": [
            text
            for screen in screens
            for life in screen.lives
            for (_, text), count in Counter(map(_key, life)).items()
            if count > 1
        ],
        "shown_disordered": [
            after.text
            for screen in screens
            for life in screen.lives
            for before, after in pairwise([rows[_key(e)] for e in life if _key(e) in rows])
            if after.seq < before.seq
        ],
        "not_shown": [
            text
            for screen in screens
            for conversation in {rows[_key(e)].conversation for e in screen.all if _key(e) in rows}
            for _, text in sorted(by_members[conversation] - set(map(_key, screen.all)))
        ],
    }


def _is_archived(event: Event, rows: Mapping[tuple[str, str], Row]) -> bool:
    row = rows.get(_key(event))
    return row is not None and event.seq in (None, row.seq)


def _key(event: Event) -> tuple[str, str]:
    return event.sender or "", event.text


def _screens(ledger: Sequence[Event]) -> Iterable[_Screen]:
    lives: defaultdict[tuple[str, str], list[list[Event]]] = defaultdict(lambda: [[]])
    for event in ledger:
        if event.what == BEGUN:
            for (account, _), begun in lives.items():
                if account == event.account:
                    begun.append([])
        elif event.what == SHOWN:
            lives[event.account, event.peer][-1].append(event)
    return [_Screen(each) for each in lives.values()]


def _longest_pause_seconds(ledgers: Sequence[Sequence[Event]]) -> float:
    """How long anybody was told nothing, between the first and the last that they were told."""
    pauses = [0.0]
    for ledger in ledgers:
        told = [event.at for event in ledger if event.what in (ARCHIVED, ACKNOWLEDGED, SHOWN)]
        pauses += [later - earlier for earlier, later in pairwise(sorted(told))]
    return round(max(pauses), 1)


def _texts(said: Iterable[Event], what: str) -> set[str]:
    return {event.text for event in said if event.what == what}
