"""Accounts and devices for tests, straight into SQL: argon2 takes its time."""

from chat.accounts import account_named
from chat.conversations import direct_key
from chat.database import Database
from chat.devices import new_device
from chat.models import Account, Conversation, Member, Message
from chat.secrets import Secrets
from chat.things import allow, new_thing
from chat.times import now
from mqtt_acl.issuer import Credentials, credentials_of


def add_accounts(database: Database, *names: str) -> list[Account]:
    """Accounts with a password hash that opens nothing."""
    accounts = [
        Account(name=name, display_name=name, password_hash="!", created_at=now()) for name in names
    ]
    with database.writing() as session:
        session.add_all(accounts)
    return accounts


def add_conversation(database: Database, first: Account, second: Account, *texts: str) -> int:
    """What the first one wrote to the second, as the bridge archives it; the conversation's id."""
    assert first.id is not None
    assert second.id is not None
    with database.writing() as session:
        conversation = Conversation(key=direct_key(first.id, second.id), last_seq=len(texts))
        session.add(conversation)
        session.flush()
        assert conversation.id is not None
        session.add_all(
            Member(conversation_id=conversation.id, account_id=id) for id in (first.id, second.id)
        )
        session.add_all(
            Message(
                conversation_id=conversation.id,
                seq=seq,
                sender_id=first.id,
                client_id=f"m{seq}",
                body=text,
                stored_at=now(),
            )
            for seq, text in enumerate(texts, start=1)
        )
        return conversation.id


def add_device(
    database: Database, secrets: Secrets, account: str, *, kind: str = "thing"
) -> Credentials:
    """A device of the account, of which no broker is told."""
    with database.writing() as session:
        owner = account_named(session, account)
        assert owner is not None
        since = secrets.server_keys.since
        device = new_device(account=owner, name="Test", kind=kind, now=now(), generation=since)
        session.add(device)
    return credentials_of(account, device, secrets.server_keys)


def add_thing(database: Database, owner: str, name: str, *allowed: str) -> None:
    """A thing without a device, with which these may talk."""
    with database.writing() as session:
        account = account_named(session, owner)
        assert account is not None
        thing, _ = new_thing(account, name=name, display_name=None, now=now())
        session.add(thing)
    for each in allowed:
        allow(database, account, name, each, now())
