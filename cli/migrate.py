"""`./katydid migrate`: the database has the tables of this version of the code."""

from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.engines import problem_of
from chat.errors import KatydidError
from chat.settings import Settings, settings_from
from cli.terminal import say


class DatabaseFails(KatydidError):
    """SQL does not do what it is asked."""

    def __init__(self, database: Database, error: Exception) -> None:
        super().__init__(f"The database {database.shown_url} fails: {problem_of(error)}.")


def migrate(environ: Mapping[str, str]) -> int:
    """Exit status: 0 when the tables are as they should be; a second call changes nothing."""
    make_tables(settings_from(environ))
    say("the tables are up to date")
    return 0


def make_tables(settings: Settings) -> None:
    """Raises DatabaseFails, and TablesFromLater where a later version was here before."""
    database = Database(settings.database_url)
    try:
        database.migrate()
    except SQLAlchemyError as error:
        raise DatabaseFails(database, error) from None
    finally:
        database.close()
