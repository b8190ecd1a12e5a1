"""The outbox on disk: what was written and is not archived yet, in the order of writing.

What `add` has answered survives `kill -9` and a power cut, with the id under which it is sent each
time, so that the archive has it once. Who sends it, and when it may go, is `sending.py`'s.
"""

from datetime import UTC, datetime
from uuid import uuid4

from .folder import Folder, usable
from .records import Outgoing

_TABLE = """
CREATE TABLE IF NOT EXISTS outgoing (
    "order" INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    peer TEXT NOT NULL,
    verb TEXT NOT NULL,
    text TEXT NOT NULL,
    written_at TEXT NOT NULL,
    target INTEGER,
    reply_to INTEGER,
    after_seq INTEGER NOT NULL
)
"""
_COLUMNS = '"order", id, peer, verb, text, written_at, target, reply_to, after_seq'
_ADD = f"INSERT INTO outgoing VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}"  # noqa: S608


class Outbox:
    """A few messages at most times; one commit costs what the disk's flush costs, some 2 ms. All
    raises FolderNotUsable."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder.path
        self._database = folder.outbox
        self._run(_TABLE)

    def add(
        self,
        peer: str,
        verb: str,
        *,
        text: str = "",
        target: int | None = None,
        reply_to: int | None = None,
        after_seq: int = 0,
    ) -> Outgoing:
        """On disk when it returns."""
        id, written_at = uuid4().hex, datetime.now(UTC).isoformat(timespec="milliseconds")
        row = (id, peer, verb, text, written_at, target, reply_to, after_seq)
        [kept] = self._run(_ADD, *row)
        return _outgoing(kept)

    def remove(self, id: str) -> None:
        """Forget it; once more does nothing."""
        self._run("DELETE FROM outgoing WHERE id = ?", id)

    def all(self, peer: str | None = None) -> list[Outgoing]:
        """In the order of writing: of all conversations, or of one."""
        asked = f'SELECT {_COLUMNS} FROM outgoing WHERE peer = ifnull(?, peer) ORDER BY "order"'  # noqa: S608
        return [_outgoing(row) for row in self._run(asked, peer)]

    def first(self, peer: str) -> Outgoing | None:
        """What is to be sent next in the conversation."""
        asked = f'SELECT {_COLUMNS} FROM outgoing WHERE peer = ? ORDER BY "order" LIMIT 1'  # noqa: S608
        return next((_outgoing(row) for row in self._run(asked, peer)), None)

    def _run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with usable(self._folder):
            return self._database.execute(statement, values).fetchall()


def _outgoing(row: tuple[object, ...]) -> Outgoing:
    names = ("order", "id", "peer", "verb", "text", "written_at", "target", "reply_to", "after_seq")
    return Outgoing(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]
