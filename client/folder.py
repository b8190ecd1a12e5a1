"""The folder in which a client keeps what must survive it: its credential, what it has not got rid
of yet, and how far it has seen. For its owner's eyes only; one program at a time.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import FolderInUse, FolderNotUsable, LoginRefused, Unreachable
from .topics import is_account_name

_CREDENTIAL = "device.json"
_OUTBOX = "outbox.db"
_POSITIONS = "positions.db"


def usual_base() -> Path:
    """Below which clients keep their folders, unless told otherwise."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "katydid"


def usual_folder(url: str, account: str, *, base: Path | None = None) -> Path:
    """Where a client of this account at this server keeps it, unless told otherwise. Raises
    LoginRefused for what no account can be called, and would be a folder elsewhere, and Unreachable
    for what is no URL."""
    if not is_account_name(account):
        raise LoginRefused(account)
    try:
        server = urlsplit(url).netloc.rpartition("@")[2].replace(":", "_")
    except ValueError as error:
        raise Unreachable(url, str(error)) from None
    return (base or usual_base()) / (server or "server") / account


class Folder:
    """An opened folder; nobody else can open it until it is closed, or this process has ended."""

    def __init__(self, path: Path) -> None:
        """Raises FolderInUse and FolderNotUsable."""
        self.path = path
        self._opened: list[sqlite3.Connection] = []
        private_folder(path)
        try:
            # What was written must be on the disk before anybody may rely on it.
            self.outbox = self._database(_OUTBOX, synchronous="FULL")
            # This may fall back by a moment when the power fails: then something is seen twice.
            self.positions = self._database(_POSITIONS, synchronous="NORMAL")
        except (OSError, sqlite3.Error) as error:
            self.close()  # what stays open is locked, for whoever tries it once more too
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise FolderInUse(str(path)) from None
            raise FolderNotUsable(str(path), _problem_of(error)) from None

    def credential(self) -> dict[str, Any] | None:
        """What `keep_credential` was given last. Raises FolderNotUsable."""
        return read_credential(self.path)

    def keep_credential(self, content: dict[str, Any]) -> None:
        """On disk when it returns. Raises FolderNotUsable."""
        write_privately(self.path / _CREDENTIAL, content)

    def close(self) -> None:
        for database in self._opened:
            database.close()

    def _database(self, name: str, *, synchronous: str) -> sqlite3.Connection:
        file = self.path / name
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        database = sqlite3.connect(file, timeout=0, isolation_level=None)
        self._opened.append(database)
        # Held until it is closed: what SQLite does to keep two apart keeps two programs apart.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {synchronous}")
        database.execute("BEGIN EXCLUSIVE")
        database.execute("COMMIT")
        return database


def private_folder(path: Path) -> None:
    """Make it, if it is not there, for its owner alone, and those above it likewise. Raises
    FolderNotUsable."""
    try:
        for each in [*reversed(path.parents), path]:
            if not each.exists():
                each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise FolderNotUsable(str(path), _problem_of(error)) from None


def write_privately(file: Path, content: dict[str, Any]) -> None:
    """As JSON, for its owner alone. On disk when it returns: all of it, or what was there before.
    Raises FolderNotUsable."""
    new = file.with_name(f"{file.name}.new")
    try:
        new.unlink(missing_ok=True)
        opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as writing:
            json.dump(content, writing, indent=1)
            writing.flush()
            os.fsync(writing.fileno())
        new.replace(file)
    except OSError as error:
        raise FolderNotUsable(str(file.parent), _problem_of(error)) from None


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """What SQLite cannot do, because a disk is full or gone, as FolderNotUsable."""
    try:
        yield
    except sqlite3.Error as error:
        raise FolderNotUsable(str(folder), str(error)) from None


def read_credential(folder: Path) -> dict[str, Any] | None:
    """The credential that a folder has, also while another program has it open. Raises
    FolderNotUsable."""
    try:
        content: dict[str, Any] = json.loads((folder / _CREDENTIAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FolderNotUsable(str(folder), _problem_of(error)) from None
    return content


def _problem_of(error: Exception) -> str:
    """Without number and path, where the system has a word for it."""
    return getattr(error, "strerror", None) or str(error)


def forget_credential(folder: Path) -> None:
    """It is of no use any more; what else is in the folder stays."""
    (folder / _CREDENTIAL).unlink(missing_ok=True)
