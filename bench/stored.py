"""What SQL has of a load, counted after it; and the index of texts, brought up to date, so that the
site does not do so while something else is measured."""

from sqlalchemy import text

from bench.figures import Measured
from bench.installation import wait_until
from chat.database import Database
from chat.indexing import index_messages

_AT_ONCE = 2_000
_STORED = "SELECT count(*), count(DISTINCT client_id) FROM message WHERE client_id LIKE :ids"
# Numbers that no message has, or more than one has.
_GAPS = """
SELECT coalesce(sum(abs(conversation.last_seq - found.number)), 0)
FROM conversation JOIN (
    SELECT conversation_id, count(*) AS number FROM message GROUP BY conversation_id
) AS found ON found.conversation_id = conversation.id
"""
_LAST_SEQS = "SELECT coalesce(sum(last_seq), 0) FROM conversation"
_INDEXED = "SELECT coalesce(sum(seq), 0) FROM search_progress"


def wrong(database: Database, run: int, *, sent: int, delivered: int | None) -> list[Measured]:
    """Lost is what is not in SQL or did not reach the other, or a number that no message has;
    doubled is what is there, or came, more than once. None of it may be."""
    with database.reading() as session:
        connection = session.connection()
        stored, different = map(int, connection.execute(text(_STORED), {"ids": f"%-{run}-%"}).one())
        gaps = int(connection.execute(text(_GAPS)).scalar_one())
    came = sent if delivered is None else delivered
    return lost_and_doubled(
        lost=sent - min(different, came) + gaps,
        doubled=stored - different + max(came - sent, 0),
    )


def lost_and_doubled(*, lost: int, doubled: int) -> list[Measured]:
    """As figures."""
    return [
        Measured(name="lost", value=max(lost, 0), unit="messages"),
        Measured(name="doubled", value=max(doubled, 0), unit="messages"),
    ]


def number_stored(database: Database) -> int:
    """How many messages there are, by the conversations' last numbers: cheap to ask."""
    return _one(database, _LAST_SEQS)


def settle(database: Database) -> None:
    """Returns when every text is in the index."""

    def is_settled() -> bool:
        while index_messages(database, most=_AT_ONCE):
            pass
        # Less, while it is the site's turn.
        return _one(database, _INDEXED) >= number_stored(database)

    wait_until("all texts to be in the index", is_settled)


def _one(database: Database, statement: str) -> int:
    with database.searching() as session:
        return int(session.connection().execute(text(statement)).scalar_one())
