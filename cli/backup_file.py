"""The file of a backup: a tar, compressed by gzip, with these members in this order.

| member                     | what it is                                                    |
|----------------------------|---------------------------------------------------------------|
| `manifest.json`            | that it is one, of which format, tables and time              |
| `secrets/NAME`             | each of `chat/secrets.py`                                     |
| `tables/NAME/NUMBER.jsonl` | rows, some MiB in each: a JSON array a line (`transfer.py`)   |
| `sums.json`                | rows and checksum of each table, and the SHA-256 of secrets   |

It is written while it is read from SQL, so nothing else needs room. It is read by these names and
no others, a member at a time, and nothing of it is unpacked to where it says: whoever made it, it
can lead nowhere, and takes no more memory than a member may have.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from io import BytesIO
from itertools import count
from typing import IO, BinaryIO, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Table

from chat import secrets
from chat.errors import KatydidError
from chat.times import rfc3339
from cli.transfer import Row, Summed, TableSum, as_line, tables

FORMAT = 1
_MANIFEST, _SUMS = "manifest.json", "sums.json"
_PIECE_BYTES = 4 * 1024 * 1024
# A piece with one row more; a row of the longest text has 24 kB at most.
_LARGEST_MEMBER_BYTES = 2 * _PIECE_BYTES
# A fifth larger than with gzip's usual 6, and done in a third of the time.
_COMPRESSION = 2
# What reading raises of a file that was cut, or changed, or is something else.
_UNREADABLE = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    UnicodeDecodeError,
    RecursionError,
    msgspec.DecodeError,
)
_decode_row = msgspec.json.Decoder(list[int | str | None]).decode


class Manifest(Struct, frozen=True):
    """What the file is. `tables` is the version of the tables, `made_at` when they were read."""

    katydid: Literal["backup"]
    format: int
    tables: str
    made_at: str


class Sums(Struct, frozen=True):
    """What must be in it: by the names of secrets, and of tables."""

    secrets: dict[str, str]
    tables: dict[str, TableSum]


class Content(Struct, frozen=True):
    """All of it but the rows."""

    manifest: Manifest
    secrets: dict[str, str]
    sums: Sums


class NotABackup(KatydidError):
    """The file is something else."""

    def __init__(self, file: str) -> None:
        super().__init__(f"{file} is no backup of Katydid.")


class BackupFromLater(KatydidError):
    """The file was made by a later version of the code, in a form that this one does not know."""

    def __init__(self, file: str) -> None:
        super().__init__(f"The backup {file} was made by a later version of Katydid.")


class BackupDamaged(KatydidError):
    """The file was cut, or something in it is not as it was written."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"The backup {file} is damaged: {problem}; nothing of it was put back.")


# Writing.


def write_backup(
    stream: BinaryIO,
    *,
    tables_version: str,
    secrets: Mapping[str, str],
    rows: Callable[[Table], Generator[Row, None, None]],
    now: datetime,
) -> Sums:
    """The whole file, with the rows of each table as they come. Raises OSError and what `rows`
    raises; what is in the stream then is none."""
    manifest = Manifest("backup", FORMAT, tables_version, rfc3339(now))
    compressed = gzip.GzipFile("", "wb", _COMPRESSION, stream, mtime=0)
    tar = tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
    _add(tar, _MANIFEST, msgspec.json.encode(manifest))
    for name, secret in secrets.items():
        _add(tar, _secret(name), secret.encode())
    sums = Sums(
        {name: _digest(secret) for name, secret in secrets.items()},
        {table.name: _add_table(tar, table, rows(table)) for table in tables()},
    )
    _add(tar, _SUMS, msgspec.json.encode(sums))
    tar.close()
    compressed.close()
    return sums


def _add_table(tar: tarfile.TarFile, table: Table, rows: Generator[Row, None, None]) -> TableSum:
    summed = Summed(rows)
    with closing(rows):  # a disk that is full must not leave PostgreSQL in the middle of an answer
        for number, piece in enumerate(_pieces(summed), start=1):
            _add(tar, _piece(table, number), piece)
    return summed.result()


def _pieces(rows: Iterable[Row]) -> Iterator[bytes]:
    piece = bytearray()
    for row in rows:
        piece += as_line(row)
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, BytesIO(content))


# Reading.


def read_backup(file: BinaryIO, take: Callable[[Table, Iterable[Row]], None]) -> Content:
    """Read the file from its beginning to its end; `take` is given the rows of each table, which it
    reads before it returns. That nothing was missing and nothing had been changed is known, and
    said, at the end alone. Raises NotABackup, BackupFromLater and BackupDamaged."""
    file.seek(0)
    with _opened(file) as (unpacked, tar):
        members = _Members(tar)
        manifest = _manifest(file.name, members)
        with _damaged(file.name):
            found = {name: members.read(_secret(name)).decode("ascii") for name in secrets.FILES}
            summed = {}
            for table in tables():
                rows = Summed(_rows(members, table))
                take(table, rows)
                summed[table.name] = rows.result()
            sums = msgspec.json.decode(members.read(_SUMS), type=Sums)
            _check_end(unpacked)
    _compare(file.name, sums, found, summed)
    return Content(manifest, found, sums)


def look_through(file: BinaryIO) -> Content:
    """Read all of it, and do nothing with the rows; as `read_backup`."""
    return read_backup(file, _ignore)


def _ignore(_table: Table, rows: Iterable[Row]) -> None:
    for _ in rows:
        pass


@contextmanager
def _opened(file: BinaryIO) -> Iterator[tuple["_Unpacked", tarfile.TarFile]]:
    unpacked = _Unpacked(fileobj=file, mode="rb")
    try:
        tar = tarfile.open(fileobj=unpacked, mode="r:")  # noqa: SIM115
    except _UNREADABLE:
        raise NotABackup(file.name) from None
    with unpacked, tar:
        yield unpacked, tar


class _Unpacked(gzip.GzipFile):
    """Of what it unpacks, no more is held than a member may have, whatever a header asks for."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_MEMBER_BYTES:
            raise tarfile.ReadError("it has a part that is too large")
        return super().read(size)


class _Members:
    """The members, each asked for by its name in its turn."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._next: tarfile.TarInfo | None = None
        self._move_on()

    def read(self, name: str) -> bytes:
        """The next one. Raises tarfile.ReadError where another is."""
        content = self.read_if_next(name)
        if content is None:
            raise tarfile.ReadError(f"it lacks {name}")
        return content

    def read_if_next(self, name: str) -> bytes | None:
        """The same; None where another is next, which stays so."""
        member = self._next
        if member is None or member.name != name:
            return None
        if member.type != tarfile.REGTYPE or not 0 <= member.size <= _LARGEST_MEMBER_BYTES:
            raise tarfile.ReadError(f"{name} is not as it was written")
        content: IO[bytes] | None = self._tar.extractfile(member)
        assert content is not None
        read = content.read()
        self._move_on()
        return read

    def _move_on(self) -> None:
        self._next = self._tar.next()


def _manifest(file: str, members: _Members) -> Manifest:
    try:
        manifest = msgspec.json.decode(members.read(_MANIFEST), type=Manifest)
    except _UNREADABLE:
        raise NotABackup(file) from None
    if manifest.format != FORMAT:
        raise BackupFromLater(file)
    return manifest


def _rows(members: _Members, table: Table) -> Iterator[Row]:
    for number in count(1):
        name = _piece(table, number)
        if (piece := members.read_if_next(name)) is None:
            return
        for line in piece.splitlines():
            row = tuple(_decode_row(line))
            if len(row) != len(table.columns):
                raise tarfile.ReadError(f"{name} has a row that is none of its table")
            yield row


def _check_end(unpacked: _Unpacked) -> None:
    """Nothing but zeros follows; and gzip's own checksum is compared."""
    while rest := unpacked.read(_PIECE_BYTES):
        if rest.strip(b"\0"):
            raise tarfile.ReadError("something follows its end")


@contextmanager
def _damaged(file: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise BackupDamaged(file, str(error).rstrip(".").lower()) from None


def _compare(
    file: str, sums: Sums, found: Mapping[str, str], summed: Mapping[str, TableSum]
) -> None:
    if sums.secrets != {name: _digest(secret) for name, secret in found.items()}:
        raise BackupDamaged(file, "its secrets are not those that were written")
    for name, table in summed.items():
        if sums.tables.get(name) != table:
            raise BackupDamaged(file, f"its table {name} is not what was written")


# Names and sums.


def _secret(name: str) -> str:
    return f"secrets/{name}"


def _piece(table: Table, number: int) -> str:
    return f"tables/{table.name}/{number}.jsonl"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
