"""A site under test: the Flask app of an installation, and what SQL was asked meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, text

from chat.accounts import account_named
from chat.models import Account
from chat.times import now
from tests.people import add_conversation
from tests.running import Installation
from tests.web.visitor import Browser, Program
from web import create_app


def execute(installation: Installation, statement: str, **parameters: object) -> None:
    """Change what SQL has, behind everybody's back."""
    with installation.database.writing() as session:
        session.connection().execute(text(statement), parameters)


class Site:
    """The app, and those who visit it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.app = create_app(
            installation.settings,
            installation.secrets,
            installation.issuer,
            installation.database,
        )

    def browser(self, *, address: str = "192.0.2.1") -> Browser:
        """A browser in which nobody is logged in."""
        return Browser(self.app, address=address)

    def program(self, name: str, **options: str) -> Program:
        """A program that knows the account's password."""
        return Program(self.app, name, **options)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What SQL is asked within."""
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement != "BEGIN":
                asked.append(statement)

        database = self.installation.database
        engines = {database._engine, database._search_engine}  # on PostgreSQL, they are one
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        yield asked
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)

    def converse(self, one: str, other: str, *texts: str) -> None:
        """`one` has written these texts to `other`."""
        database = self.installation.database
        with database.reading() as session:
            sender, recipient = account_named(session, one), account_named(session, other)
        assert sender is not None
        assert recipient is not None
        add_conversation(database, sender, recipient, *texts)

    def add_account(self, name: str) -> None:
        """An account that nobody can log in to."""
        with self.installation.database.writing() as session:
            session.add(Account(name=name, display_name=name, password_hash="!", created_at=now()))
