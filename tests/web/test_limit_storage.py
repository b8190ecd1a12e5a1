"""The counters of limits in SQL: shared, exact under contention, and swept up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chat.database import Database
from tests import databases
from web import limit_storage
from web.limit_storage import SqlStorage

pytestmark = pytest.mark.both_databases


@pytest.fixture
def database(tmp_path: Path, dialect: str) -> Iterator[Database]:
    database = Database(databases.migrated(dialect, tmp_path))
    yield database
    database.close()
    databases.give_back(database.url)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The time that the storage sees, to be moved on by hand."""
    clock = {"ms": 1_000_000}
    monkeypatch.setattr(limit_storage, "_now_ms", lambda: clock["ms"])
    return clock


def test_counts_go_up_and_end_with_their_window(database: Database, clock: dict[str, int]) -> None:
    storage = SqlStorage(database)

    assert [storage.incr("alice", 60) for _ in range(3)] == [1, 2, 3]
    clock["ms"] += 59_999
    assert storage.incr("alice", 60) == 4
    assert (storage.get("alice"), storage.get_expiry("alice")) == (4, 1_060.0)

    clock["ms"] += 1
    assert storage.get("alice") == 0
    assert storage.incr("alice", 60) == 1
    assert storage.get_expiry("alice") == 1_120.0


def test_keys_do_not_mix(database: Database) -> None:
    storage = SqlStorage(database)
    long = "x" * 300

    storage.incr(long + "a", 60, amount=5)

    assert (storage.get(long + "a"), storage.get(long + "b"), storage.get("x")) == (5, 0, 0)
    storage.incr("x", 60)
    storage.clear(long + "a")
    assert (storage.get(long + "a"), storage.get("x")) == (0, 1)


def test_two_processes_count_together(database: Database) -> None:
    first, second = SqlStorage(database), SqlStorage(Database(database.url))

    assert [first.incr("k", 60), second.incr("k", 60), first.incr("k", 60)] == [1, 2, 3]


def test_no_count_is_lost_when_many_count_at_once(database: Database) -> None:
    storage = SqlStorage(database)

    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(lambda _: storage.incr("alice", 60), range(40)))

    assert sorted(counts) == list(range(1, 41))


def test_what_has_ended_is_swept_up(database: Database, clock: dict[str, int]) -> None:
    storage = SqlStorage(database)
    for number in range(20):
        storage.incr(f"old {number}", 60)

    clock["ms"] += 60_000
    storage.incr("new", 60)

    assert storage.reset() == 1


def test_many_windows_that_begin_at_once_do_not_stop_each_other(
    database: Database, clock: dict[str, int]
) -> None:
    """Each sweeps up the ended windows of all the others, which are begun anew just then."""
    storage = SqlStorage(database)
    keys = [f"key {number}" for number in range(32)]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(4):
            counts = list(threads.map(lambda key: storage.incr(key, 60), keys))
            assert counts == [1] * 32
            clock["ms"] += 60_000
