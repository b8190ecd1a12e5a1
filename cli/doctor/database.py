"""The database: it answers, has the tables of this version, can be written, and keeps what it
says it has kept."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chat.engines import problem_of
from chat.examining import write_something
from chat.times import now
from cli.doctor.findings import Finding, ok, skipped, wrong
from cli.doctor.installation import Installation

# How PostgreSQL turns away who comes too late, in its own words.
_NO_CONNECTION_LEFT = ("too many clients", "remaining connection slots", "too many connections")
_MORE_CONNECTIONS = "Raise max_connections: a bridge has up to 4, a worker of the site up to 12."


def check_database(installation: Installation) -> Iterator[Finding]:
    """Stops at the first step that fails."""
    file, where = installation.archive_file, installation.database.shown_url
    if file is not None and not file.exists():
        yield skipped("database", f"There is none at {file} yet; ./katydid up makes it.")
        return
    try:
        is_migrated = installation.database.is_migrated()
    except SQLAlchemyError as error:
        problem = problem_of(error)
        advice = _advice_for(where, problem)
        yield wrong("database", f"{where} cannot be used: {problem}.", advice)
        return
    if not is_migrated:
        yield wrong(
            "database",
            f"{where} has not the tables of this version.",
            "Make a backup, then start ./katydid up or say ./katydid migrate. If that says that the"
            " tables are of a later version, update the code instead.",
        )
        return
    yield ok("database", f"{where} answers, with the tables of this version.")
    yield _writes(installation)
    if installation.database.dialect == "postgresql":
        yield from _on_postgresql(installation)


def _advice_for(where: str, problem: str) -> str:
    if any(words in problem for words in _NO_CONNECTION_LEFT):
        return _MORE_CONNECTIONS
    if where.startswith("sqlite"):
        return (
            "See whether its disk is full, and whether this user may use the file; else put it back"
            " from the backup."
        )
    return "See whether PostgreSQL runs, and whether KATYDID_DATABASE_URL says where and as whom."


def _writes(installation: Installation) -> Finding:
    try:
        write_something(installation.database, now())
    except SQLAlchemyError as error:
        return wrong(
            "database",
            f"It cannot be written: {problem_of(error)}.",
            "Most often the disk is full, or the file belongs to another user. Nothing is lost:"
            " messages wait at the broker and with their senders.",
        )
    return ok("database", "It can be written.")


def _on_postgresql(installation: Installation) -> Iterator[Finding]:
    with installation.database.reading() as session:
        ask = session.connection()
        shown = {
            name: str(ask.execute(text(f"SHOW {name}")).scalar_one())
            for name in ("fsync", "full_page_writes", "max_connections")
        }
        # Who has no database is one of PostgreSQL's own processes, and takes no connection.
        used = ask.execute(text("SELECT count(datid) FROM pg_stat_activity")).scalar_one()
    for name in ("fsync", "full_page_writes"):
        if shown[name] != "on":
            yield wrong(
                "database",
                f"PostgreSQL runs with {name}={shown[name]}: a crash of its machine can lose, or"
                " break, what was acknowledged.",
                f"Take {name} out of postgresql.conf, and restart PostgreSQL.",
            )
    if used > 0.9 * int(shown["max_connections"]):
        yield wrong(
            "database",
            f"{used} of its {shown['max_connections']} connections are in use.",
            _MORE_CONNECTIONS,
        )
        return
    yield ok("database", f"{used} of its {shown['max_connections']} connections are in use.")
