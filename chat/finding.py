"""Asking the index: SQLite's FTS5, or PostgreSQL's GIN of trigrams, for the newest that fit.

Both hold the same runs of three characters, those of the members' tokens among them, so that what
others say costs nothing. What the index gives is looked at once more in the same statement, since a
text with all the runs of a word need not have the word.

SQLite walks its index from the newest on, and stops as soon as there is enough. PostgreSQL's gives
all that fits, at once and in no order; so the newest texts of each conversation are looked at
first, which is where common words are found, and the index is asked for those that are rare.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from chat.changes import Place
from chat.folding import is_in_index, runs_of

# So many of the newest texts are looked at one by one where the index cannot tell.
LOOKED_AT = 5_000
_MOST_RUNS = 12


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is looked for, and where: ids from `first` on and below `below`, `most` of them."""

    account_id: int
    conversations: list[int]
    tokens: list[str]
    words: list[str]
    first: int
    below: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Where they are, and their ids. Not complete: older ones were not looked at."""

    ids: dict[Place, int]
    has_more: bool
    is_complete: bool


# The index is walked downwards, and no further than is needed: nothing is sorted.
_SQLITE = """
SELECT found.id, found.conversation_id, found.seq
FROM search_run AS run
CROSS JOIN search_text AS found ON found.id = run.rowid
CROSS JOIN member ON member.conversation_id = found.conversation_id AND member.account_id = :account
WHERE run.search_run MATCH :runs AND run.rowid >= :first AND run.rowid < :below AND {says_all}
ORDER BY run.rowid DESC LIMIT :most
"""

# The same among the newest alone.
_SQLITE_NEWEST = """
SELECT found.id, found.conversation_id, found.seq
FROM (SELECT rowid AS id FROM search_run
      WHERE search_run MATCH :runs AND rowid >= :first AND rowid < :below
      ORDER BY rowid DESC LIMIT :looked_at) AS run
CROSS JOIN search_text AS found ON found.id = run.id
JOIN member ON member.conversation_id = found.conversation_id AND member.account_id = :account
WHERE {says_all}
ORDER BY found.id DESC LIMIT :most
"""

# How many texts there are at all, as far as that matters.
_SQLITE_COUNT = """
SELECT count(*) FROM (SELECT 1 FROM search_run
      WHERE search_run MATCH :runs AND rowid >= :first AND rowid < :below LIMIT :looked_at)
"""

# The newest of each conversation. Below the highest id at which one of these runs ends, others may
# lie in between; `floor` says where.
_NEWEST = """
WITH newest AS MATERIALIZED (
    SELECT text.* FROM unnest(CAST(:conversations AS bigint[])) AS own (id)
    CROSS JOIN LATERAL (
        SELECT id, conversation_id, seq, folded FROM search_text
        WHERE conversation_id = own.id AND id >= :first AND id < :below
        ORDER BY id DESC LIMIT :each) AS text),
floor AS (
    SELECT max(lowest) AS id FROM (
        SELECT min(id) AS lowest FROM newest GROUP BY conversation_id HAVING count(*) >= :each)
    AS run)
SELECT found.id, found.conversation_id, found.seq, floor.id
FROM floor LEFT JOIN newest AS found
  ON found.id >= coalesce(floor.id, 0) AND {says_all}
ORDER BY found.id DESC LIMIT :most
"""

_POSTGRESQL = """
WITH found AS MATERIALIZED (
    SELECT id, conversation_id, seq FROM search_text AS found
    WHERE {has_runs} AND found.id >= :first AND found.id < :below AND {says_all})
SELECT found.id, found.conversation_id, found.seq FROM found
JOIN member ON member.conversation_id = found.conversation_id AND member.account_id = :account
ORDER BY found.id DESC LIMIT :most
"""


def candidates(session: Session, question: Question) -> Candidates:
    """The newest texts in the index with all the words."""
    searched = [word for word in question.words if is_in_index(word)]
    if session.get_bind().dialect.name == "sqlite":
        return _on_sqlite(session, question, searched)
    return _on_postgresql(session, question, searched)


def _on_sqlite(session: Session, question: Question, searched: list[str]) -> Candidates:
    says_all, values = _says_all(question, "instr(found.folded, {}) > 0")
    runs = [run for word in searched for run in runs_of(word)[:_MOST_RUNS]]
    match = " AND ".join(_quoted(run) for run in (*question.tokens, *dict.fromkeys(runs)))
    values |= {"runs": match, "looked_at": LOOKED_AT}
    asked = _SQLITE if searched else _SQLITE_NEWEST
    rows = _rows(session, asked.format(says_all=says_all), values)
    is_complete = bool(searched) or _count(session, values) < LOOKED_AT
    return _candidates(rows, question, is_complete=is_complete)


def _on_postgresql(session: Session, question: Question, searched: list[str]) -> Candidates:
    says_all, values = _says_all(question, "position({} IN found.folded) > 0")
    each = max(question.most, LOOKED_AT // len(question.conversations))
    values |= {"conversations": question.conversations, "each": each}
    rows = _rows(session, _NEWEST.format(says_all=says_all), values)
    floor = rows[0][3] if rows else None
    rows = [row[:3] for row in rows if row[0] is not None]
    if floor is None or len(rows) == question.most or not searched:
        return _candidates(rows, question, is_complete=floor is None or bool(searched))
    patterns = {
        f"like_{number}": f"%{_literally(word)}%"
        for number, word in enumerate([*question.tokens, *searched])
    }
    has_runs = " AND ".join(f"found.folded LIKE :{name}" for name in patterns)
    asked = _POSTGRESQL.format(has_runs=has_runs, says_all=says_all)
    return _candidates(_rows(session, asked, values | patterns), question, is_complete=True)


def _says_all(question: Question, says: str) -> tuple[str, dict[str, object]]:
    """The condition that a text says all the words, and the values of the whole statement."""
    words = {f"word_{number}": word for number, word in enumerate(question.words)}
    condition = " AND ".join(says.format(f":{name}") for name in words)
    values = {
        "account": question.account_id,
        "first": question.first,
        "below": question.below,
        "most": question.most,
    }
    return condition, {**values, **words}


def _rows(session: Session, statement: str, values: dict[str, object]) -> list[tuple[int, ...]]:
    wanted = {name: value for name, value in values.items() if f":{name}" in statement}
    return [tuple(row) for row in session.connection().execute(text(statement), wanted)]


def _count(session: Session, values: dict[str, object]) -> int:
    [(count,)] = _rows(session, _SQLITE_COUNT, values)
    return count


def _candidates(
    rows: list[tuple[int, ...]], question: Question, *, is_complete: bool
) -> Candidates:
    ids = {(conversation, seq): id for id, conversation, seq in rows}
    return Candidates(ids=ids, has_more=len(ids) >= question.most, is_complete=is_complete)


def _quoted(run: str) -> str:
    return '"' + run.replace('"', '""') + '"'


def _literally(word: str) -> str:
    """The word in a pattern of LIKE."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
