"""`python -m bench.search`: how long a search takes among very many messages of one account.

The archive is made up: words as often as in a language (Zipf), in conversations of uneven length,
and a few that occur a known number of times. Then each question is asked again and again, as the
site asks it, without the network.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import insert, text
from sqlmodel import select

from bench.installation import postgres
from chat.conversations import direct_key
from chat.database import Database
from chat.engines import take_time
from chat.indexing import BATCH, index_messages
from chat.models import Account, Conversation, Member, Message
from chat.search import search
from chat.times import now

_BEGAN_MS = 1_600_000_000_000
# What words are made of: begin, middle and end of a syllable.
_BEGINS = ["", *"bcdfghjklmnprstvwz", "br", "ch", "gr", "pl", "sh", "st", "th", "tr"]
_MIDDLES = [*"aeiou", "ai", "ea", "ie", "ou"]
_ENDS = ["", "", "", *"dgklmnrst", "ck", "ng", "nt", "st"]
_WORDS = 30_000
_AT_ONCE = 5_000
# No hash: nobody can log in.
_NOBODYS = "!"
_MAKE_INDEX = """
CREATE INDEX ix_search_text_folded ON search_text
USING gin (folded gin_trgm_ops) WITH (fastupdate = on, gin_pending_list_limit = 1024)
"""
# Every so many messages one says this besides.
_RARE = {"xylophone": 100_000, "quetzal": 1_000, "漢字": 10_000}


def main() -> None:
    """Prints a line for each kind of question."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=100, help="how often each is asked")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    with ExitStack() as ended:
        if given.database == "postgresql":
            url, _ = ended.enter_context(postgres())
        else:
            folder = ended.enter_context(TemporaryDirectory(prefix="katydid-bench-"))
            url = f"sqlite:///{Path(folder) / 'katydid.db'}"
        database = Database(url)
        ended.callback(database.close)
        database.migrate()
        vocabulary = _vocabulary(_chance(1))
        _fill(database, vocabulary, given.messages, given.conversations)
        _index(database)
        _measure(database, vocabulary, given.rounds)


def _chance(seed: int) -> random.Random:
    """The same each time."""
    return random.Random(seed)  # noqa: S311  no secret is made of it


def _vocabulary(chance: random.Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < _WORDS:
        syllables = [
            "".join(map(chance.choice, (_BEGINS, _MIDDLES, _ENDS)))
            for _ in range(chance.randint(1, 3))
        ]
        word = "".join(syllables)
        if len(word) >= 3:
            found[word] = None
    return list(found)


def _fill(database: Database, vocabulary: list[str], messages: int, conversations: int) -> None:
    began = time.perf_counter()
    ids = _people(database, conversations)
    rows = _rows(_chance(2), vocabulary, messages, ids)
    while batch := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
        with database.writing() as session:
            session.execute(insert(Message), batch)
    with database.writing() as session:
        for conversation in session.exec(select(Conversation)):
            conversation.last_seq = _last_seqs.get(conversation.id or 0, 0)
    print(f"{messages:,} messages in {conversations} conversations: {_since(began):.0f} s")


_last_seqs: dict[int, int] = {}


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
                    password_hash=_NOBODYS,
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
    chance: random.Random, vocabulary: list[str], messages: int, conversations: list[int]
) -> Iterator[dict[str, object]]:
    weights = list(accumulate(1 / rank for rank in range(1, len(vocabulary) + 1)))
    liked = list(accumulate(1 / rank for rank in range(1, len(conversations) + 1)))
    for number in range(messages):
        [conversation] = chance.choices(conversations, cum_weights=liked)
        seq = _last_seqs[conversation] = _last_seqs.get(conversation, 0) + 1
        said = chance.choices(vocabulary, cum_weights=weights, k=chance.randint(3, 18))
        said += [word for word, every in _RARE.items() if number % every == every // 2]
        yield {
            "conversation_id": conversation,
            "seq": seq,
            "sender_id": 1 if chance.random() < 0.5 else conversation + 1,
            "client_id": f"m{number}",
            "kind": "text",
            "body": " ".join(said),
            "stored_at": _time(number),
        }


def _time(number: int) -> datetime:
    return datetime.fromtimestamp((_BEGAN_MS + number * 60_000) / 1000, UTC)


def _index(database: Database) -> None:
    """First as the site does it, then with more at once, as nobody waits for the lock here."""
    _index_some(database, batch=BATCH, most=20_000)
    is_postgresql = database.dialect == "postgresql"
    if is_postgresql:  # to make it once costs less than to add to it
        _run(database, "DROP INDEX ix_search_text_folded")
    _index_some(database, batch=_AT_ONCE, most=None)
    if is_postgresql:
        began = time.perf_counter()
        _run(database, _MAKE_INDEX)
        print(f"the index was made: {_since(began):.0f} s")
        _run(database, "ANALYZE")


def _index_some(database: Database, *, batch: int, most: int | None) -> None:
    began, count = time.perf_counter(), 0
    while most is None or count < most:
        if not (taken_in := index_messages(database, most=batch)):
            break
        count += taken_in
    each = _since(began) / max(count, 1) * 1e6
    print(f"{count:,} into the index by {batch:,}: {each:.0f} µs each", flush=True)


def _run(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        if database.dialect == "postgresql":
            take_time(connection)
        connection.execute(text(statement))


def _measure(database: Database, vocabulary: list[str], rounds: int) -> None:
    chance = _chance(3)
    kinds: dict[str, Callable[[], str]] = {
        "the most common word": lambda: vocabulary[chance.randrange(3)],
        "a common word": lambda: vocabulary[chance.randrange(20, 200)],
        "a word of 1 in 10,000": lambda: vocabulary[chance.randrange(5_000, 20_000)],
        "a word of 1 in 100,000": lambda: "xylophone",
        "a word of 1 in 1,000": lambda: "quetzal",
        "two common words": lambda: " ".join(chance.sample(vocabulary[:200], 2)),
        "three words": lambda: " ".join(chance.sample(vocabulary[:2_000], 3)),
        "a common and a rare word": lambda: f"{vocabulary[0]} xylophone",
        "two that never meet": lambda: "xylophone quetzal",
        "a word that nobody said": lambda: "".join(chance.choices("bcdfghjklmnpqrst", k=8)),
        "two characters of Han": lambda: "漢字",
        "two letters": lambda: "ka",
        "two letters, nowhere": lambda: "wx",
    }
    with database.reading() as session:
        alice = session.get_one(Account, 1)
    print(f"\n{'':26}  found  p50 ms  p99 ms  most")
    everything = []
    for kind, ask in kinds.items():
        times, counts = [], []
        for _ in range(rounds):
            query = ask()
            began = time.perf_counter()
            with database.reading() as session:
                found = search(session, account=alice, query=query)
            times.append(_since(began) * 1000)
            counts.append(len(found.messages))
        everything += times
        print(f"{kind:26}  {sum(counts) / rounds:5.1f}  {_quantiles(times)}", flush=True)
    print(f"{'all':26}  {'':5}  {_quantiles(everything)}")


def _quantiles(times: list[float]) -> str:
    ordered = sorted(times)
    p50, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    return f"{p50:6.1f}  {p99:6.1f}  {ordered[-1]:6.1f}"


def _since(began: float) -> float:
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
