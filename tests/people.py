"""Accounts and devices for tests, straight into SQL: argon2 takes its time."""

from chat.accounts import account_named
from chat.database import Database
from chat.devices import new_device
from chat.models import Account
from chat.secrets import Secrets
from chat.things import allow, new_thing
from chat.times import now
from mqtt_acl.issuer import Credentials, credentials_of


def add_accounts(database: Database, *names: str) -> None:
    """Accounts with a password hash that opens nothing."""
    with database.writing() as session:
        for name in names:
            session.add(Account(name=name, display_name=name, password_hash="!", created_at=now()))


def add_device(
    database: Database, secrets: Secrets, account: str, *, kind: str = "thing"
) -> Credentials:
    """A device of the account, of which no broker is told."""
    with database.writing() as session:
        owner = account_named(session, account)
        assert owner is not None
        device = new_device(account=owner, name="Test", kind=kind, now=now())
        session.add(device)
    return credentials_of(account, device, secrets.server_key)


def add_thing(database: Database, owner: str, name: str, *allowed: str) -> None:
    """A thing without a device, with which these may talk."""
    with database.writing() as session:
        account = account_named(session, owner)
        assert account is not None
        thing, _ = new_thing(account, name=name, display_name=None, now=now())
        session.add(thing)
    for each in allowed:
        allow(database, account, name, each, now())
