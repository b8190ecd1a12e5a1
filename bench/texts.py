"""An archive of texts that are searched, made up: words as often as in a language (Zipf), in
conversations of uneven length, and a few that occur a known number of times. All of it is one
account's, and in the index of texts."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate, islice

from sqlalchemy import insert, text
from sqlmodel import select

from bench.archive import Archive
from chat.accounts import NO_PASSWORD
from chat.conversations import direct_key
from chat.database import Database
from chat.engines import take_time
from chat.indexing import index_messages
from chat.models import Account, Conversation, Member, Message
from chat.times import now

_BEGAN_MS = 1_600_000_000_000
# What words are made of: begin, middle and end of a syllable.
_BEGINS = ["", *"bcdfghjklmnprstvwz", "br", "ch", "gr", "pl", "sh", "st", "th", "tr"]
_MIDDLES = [*"aeiou", "ai", "ea", "ie", "ou"]
_ENDS = ["", "", "", *"dgklmnrst", "ck", "ng", "nt", "st"]
_WORDS = 30_000
_CONVERSATIONS = 200
_AT_ONCE = 5_000
_MAKE_INDEX = """
CREATE INDEX ix_search_text_folded ON search_text
USING gin (folded gin_trgm_ops) WITH (fastupdate = on, gin_pending_list_limit = 1024)
"""
# Every so many messages one says this besides.
_RARE = {"xylophone": 100_000, "quetzal": 1_000, "漢字": 10_000}


def searched(messages: int) -> Archive:
    """So many, of the account 1."""

    def fill(database: Database) -> None:
        _fill(database, vocabulary(), messages)
        _index(database)

    return Archive(f"texts-{messages}", fill)


def chance(seed: int) -> random.Random:
    """The same each time."""
    return random.Random(seed)  # noqa: S311  no secret is made of it


def vocabulary() -> list[str]:
    """The words, the most common ones first."""
    dice = chance(1)
    found: dict[str, None] = {}
    while len(found) < _WORDS:
        syllables = [
            "".join(map(dice.choice, (_BEGINS, _MIDDLES, _ENDS))) for _ in range(dice.randint(1, 3))
        ]
        word = "".join(syllables)
        if len(word) >= 3:
            found[word] = None
    return list(found)


def _fill(database: Database, words: list[str], messages: int) -> None:
    ids = _people(database, _CONVERSATIONS)
    last_seqs = dict.fromkeys(ids, 0)
    rows = _rows(chance(2), words, messages, last_seqs)
    while batch := list(islice(rows, _AT_ONCE)):
        with database.writing() as session:
            session.execute(insert(Message), batch)
    with database.writing() as session:
        for conversation in session.exec(select(Conversation)):
            conversation.last_seq = last_seqs[conversation.id or 0]


def _people(database: Database, conversations: int) -> list[int]:
    """Alice, and so many who write with her; their conversations have the same ids."""
    with database.writing() as session:
        for number in range(conversations + 1):
            name = f"peer-{number}" if number else "alice"
            session.add(
                Account(
                    id=number + 1,
                    name=name,
                    display_name=name,
                    password_hash=NO_PASSWORD,
                    created_at=now(),
                )
            )
        session.flush()
        for number in range(1, conversations + 1):
            session.add(Conversation(id=number, key=direct_key(1, number + 1)))
        session.flush()
        for number in range(1, conversations + 1):
            session.add_all(Member(conversation_id=number, account_id=id) for id in (1, number + 1))
    return list(range(1, conversations + 1))


def _rows(
    dice: random.Random, words: list[str], messages: int, last_seqs: dict[int, int]
) -> Iterator[dict[str, object]]:
    """`last_seqs`, by conversation, grow as the rows are taken."""
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    conversations = list(last_seqs)
    liked = list(accumulate(1 / rank for rank in range(1, len(conversations) + 1)))
    for number in range(messages):
        [conversation] = dice.choices(conversations, cum_weights=liked)
        last_seqs[conversation] += 1
        said = dice.choices(words, cum_weights=weights, k=dice.randint(3, 18))
        said += [word for word, every in _RARE.items() if number % every == every // 2]
        yield {
            "conversation_id": conversation,
            "seq": last_seqs[conversation],
            "sender_id": 1 if dice.random() < 0.5 else conversation + 1,
            "client_id": f"m{number}",
            "kind": "text",
            "body": " ".join(said),
            "stored_at": _time(number),
        }


def _time(number: int) -> datetime:
    return datetime.fromtimestamp((_BEGAN_MS + number * 60_000) / 1000, UTC)


def _index(database: Database) -> None:
    """With more at once than the site takes, as nobody waits for the lock here; and to make
    PostgreSQL's index once costs less than to add to it."""
    is_postgresql = database.dialect == "postgresql"
    if is_postgresql:
        _run(database, "DROP INDEX ix_search_text_folded")
    while index_messages(database, most=_AT_ONCE):
        pass
    if is_postgresql:
        _run(database, _MAKE_INDEX)
        _run(database, "ANALYZE")


def _run(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        if database.dialect == "postgresql":
            take_time(connection)
        connection.execute(text(statement))
