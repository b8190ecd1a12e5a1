"""A crowd: thousands of accounts with a device each, made at once, straight in SQL. By the door
that everybody uses, each would cost mosquitto a list that is written anew."""

from collections.abc import Sequence

from bench.people import Person
from chat.accounts import NO_PASSWORD
from chat.database import Database
from chat.devices import all_devices, new_device
from chat.models import Account
from chat.secrets import Secrets
from chat.times import now
from chat.topics import down_filter, up
from mqtt_acl.issuer import credentials_of

_PREFIX = "crowd-"


def add_crowd(database: Database, number: int) -> None:
    """So many, called crowd-0 and so on."""
    names = [f"{_PREFIX}{each}" for each in range(number)]
    at = now()
    with database.writing() as session:
        accounts = [
            Account(name=name, display_name=name, password_hash=NO_PASSWORD, created_at=at)
            for name in names
        ]
        session.add_all(accounts)
        session.flush()
        session.add_all(
            new_device(account=account, name="Crowd", kind="thing", now=at) for account in accounts
        )


def people_in(database: Database, secrets: Secrets, *, host: str, port: int) -> Sequence[Person]:
    """The crowd, in the order of its numbers, who find the broker there."""
    with database.reading() as session:
        everyone = {
            name: credentials_of(name, device, secrets.server_keys)
            for name, device in all_devices(session)
            if name.startswith(_PREFIX)
        }
    return [
        Person(
            account=name,
            host=host,
            port=port,
            user_name=everyone[name].user_name,
            password=everyone[name].password,
            send_topic=up(name, "{to}", "send"),
            receive_filter=down_filter(name),
        )
        for name in sorted(everyone, key=lambda name: int(name.removeprefix(_PREFIX)))
    ]
