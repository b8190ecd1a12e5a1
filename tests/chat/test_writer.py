"""The bridge's own way to SQL: what is committed is there, what is not is not, whatever happens."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from bridge.statements import in_words_of
from chat.database import Database
from chat.writer import Connection, Writer

both_databases = pytest.mark.both_databases
postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

BEGIN = "INSERT INTO conversation (kind, key, last_seq) VALUES ('direct', {value}, 0)"
KEYS = "SELECT key FROM conversation WHERE last_seq = {value} ORDER BY id"


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    writer = database.writer()
    yield writer
    writer.close()


def begin(connection: Connection, key: str) -> None:
    connection.write(in_words_of(connection.dialect, BEGIN), (key,))


def begin_all(writer: Writer, *keys: str) -> None:
    with writer.transaction() as connection:
        for key in keys:
            begin(connection, key)


def keys(connection: Connection) -> list[str]:
    rows = connection.select(in_words_of(connection.dialect, KEYS), (0,))
    return [key for (key,) in rows]


def keys_seen_by_others(database: Database) -> list[str]:
    with database.reading() as session:
        found = session.connection().execute(text("SELECT key FROM conversation ORDER BY id"))
        return [key for (key,) in found]


@pytest.fixture
def at_commit(database: Database) -> Iterator[Callable[[str], None]]:
    """Says what PostgreSQL is to do last of all, for each new conversation."""

    def run(*statements: str) -> None:
        with database.transaction() as connection:
            for statement in statements:
                connection.execute(text(statement))

    yield lambda then: run(
        "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$BEGIN {then} RETURN NULL; END$$",
        "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON conversation"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()",
    )
    run("DROP FUNCTION at_commit CASCADE")


@both_databases
def test_what_is_written_is_read_in_the_same_transaction_and_there_after_it(
    database: Database, writer: Writer
) -> None:
    with writer.transaction() as connection:
        begin(connection, "1:2")
        assert keys(connection) == ["1:2"]
        assert keys_seen_by_others(database) == []
        begin(connection, "1:3")
    assert keys_seen_by_others(database) == ["1:2", "1:3"]


@both_databases
def test_what_is_asked_first_is_answered_as_it_was_then(writer: Writer) -> None:
    with writer.transaction() as connection:
        before = connection.select(in_words_of(connection.dialect, KEYS), (0,))
        begin(connection, "1:2")
        after = connection.select(in_words_of(connection.dialect, KEYS), (0,))
        assert list(before) == []
        assert [key for (key,) in after] == ["1:2"]


@both_databases
def test_a_transaction_that_an_exception_leaves_is_rolled_back(
    database: Database, writer: Writer
) -> None:
    def fail() -> None:
        with writer.transaction() as connection:
            begin(connection, "1:2")
            raise LookupError("a mistake of ours")

    with pytest.raises(LookupError, match="of ours"):
        fail()
    begin_all(writer, "1:3")
    assert keys_seen_by_others(database) == ["1:3"]


@both_databases
def test_what_the_tables_refuse_is_an_error_and_nothing_of_it_stays(
    database: Database, writer: Writer
) -> None:
    begin_all(writer, "1:2")
    with pytest.raises(IntegrityError) as refused:
        begin_all(writer, "1:3", "1:2")
    assert not refused.value.connection_invalidated
    begin_all(writer, "1:4")
    assert keys_seen_by_others(database) == ["1:2", "1:4"]


@postgresql
def test_a_server_that_ends_the_connection_is_found_again(
    database: Database, writer: Writer
) -> None:
    def lose_it() -> None:
        with writer.transaction() as connection:
            begin(connection, "1:2")
            [(pid,)] = connection.select("SELECT pg_backend_pid() + %s", (0,))
            with database.transaction() as other:
                other.execute(text(f"SELECT pg_terminate_backend({pid}, 5000)"))
            begin(connection, "1:3")

    with pytest.raises(OperationalError) as lost:
        lose_it()
    assert lost.value.connection_invalidated
    begin_all(writer, "1:4")
    assert keys_seen_by_others(database) == ["1:4"]


@postgresql
def test_a_commit_that_takes_long_is_waited_for(
    database: Database, writer: Writer, at_commit: Callable[[str], None]
) -> None:
    at_commit("PERFORM pg_sleep(1);")
    begin_all(writer, "1:2")
    assert keys_seen_by_others(database) == ["1:2"]


@postgresql
def test_a_commit_that_the_server_refuses_is_an_error(
    database: Database, writer: Writer, at_commit: Callable[[str], None]
) -> None:
    at_commit("RAISE unique_violation;")
    with pytest.raises(IntegrityError):
        begin_all(writer, "1:2")
    assert keys_seen_by_others(database) == []


@sqlite
def test_a_file_that_another_writes_to_for_long_is_an_error_that_may_pass(
    database: Database, writer: Writer
) -> None:
    with database.transaction(), pytest.raises(OperationalError, match="locked"):
        begin_all(writer, "1:2")
    begin_all(writer, "1:3")
    assert keys_seen_by_others(database) == ["1:3"]
