"""A site under test: the Flask app of an installation, and what SQL was asked meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, insert, text

from chat.accounts import account_named
from chat.conversations import direct_key
from chat.models import Account, Conversation, Member, Message
from chat.times import now
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

        engine = self.installation.database._engine
        event.listen(engine, "before_cursor_execute", note)
        yield asked
        event.remove(engine, "before_cursor_execute", note)

    def converse(self, one: str, other: str, *texts: str) -> None:
        """`one` has written these texts to `other`."""
        with self.installation.database.writing() as session:
            sender, recipient = account_named(session, one), account_named(session, other)
            assert sender is not None
            assert recipient is not None
            assert sender.id is not None
            assert recipient.id is not None
            conversation = Conversation(
                key=direct_key(sender.id, recipient.id), last_seq=len(texts)
            )
            session.add(conversation)
            session.flush()
            assert conversation.id is not None
            session.add_all(
                Member(conversation_id=conversation.id, account_id=id)
                for id in (sender.id, recipient.id)
            )
            session.flush()
            session.execute(
                insert(Message),
                [
                    {
                        "conversation_id": conversation.id,
                        "seq": seq,
                        "sender_id": sender.id,
                        "client_id": f"m{seq}",
                        "kind": "text",
                        "body": text,
                        "stored_at": now(),
                    }
                    for seq, text in enumerate(texts, 1)
                ],
            )

    def add_account(self, name: str) -> None:
        """An account that nobody can log in to."""
        with self.installation.database.writing() as session:
            session.add(Account(name=name, display_name=name, password_hash="!", created_at=now()))
