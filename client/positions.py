"""How far a program has come in each conversation, on disk, so that `messages()` continues there.

A conversation that is not here began after the first login, and is read from its beginning.
"""

from collections.abc import Iterable

from .folder import Folder, usable
from .records import Conversation

_TABLE = "CREATE TABLE IF NOT EXISTS position (peer TEXT PRIMARY KEY, seq INTEGER NOT NULL)"


class Positions:
    """Peer → the last `seq` that was dealt with. Writing raises FolderNotUsable."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder.path
        self._database = folder.positions
        with usable(self._folder):
            self._database.execute(_TABLE)
            kept = self._database.execute("SELECT peer, seq FROM position").fetchall()
        self._seqs: dict[str, int] = dict(kept)

    def __getitem__(self, peer: str) -> int:
        return self._seqs.get(peer, 0)

    def __setitem__(self, peer: str, seq: int) -> None:
        self._write([(peer, seq)])

    def all(self) -> dict[str, int]:
        """A copy, by peer."""
        return dict(self._seqs)

    def begin(self, conversations: Iterable[Conversation]) -> None:
        """What was before the first login is history; after a later one, all goes on."""
        if not self._seqs:
            self._write([(each.peer, each.last_seq) for each in conversations])

    def _write(self, rows: list[tuple[str, int]]) -> None:
        with usable(self._folder), self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", rows)
        self._seqs.update(rows)
