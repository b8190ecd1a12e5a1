"""A new server key, without logging anybody out; and the end of the one before (`rotate.py`).

Between the two, what was derived from either holds. A browser has its cookie and its secret from
the new key at its next visit; programs and things keep theirs until they are given another one. So
whoever is still on the old key at the end is named, and cut off only when that is asked for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.devices import devices_with_old_secrets, newest_generation, renew_secret
from chat.errors import KatydidError
from chat.models import Device
from chat.rotation import change_server_key, forget_server_key_before
from chat.secrets import load_secrets
from chat.settings import Settings
from chat.times import rfc3339
from chat.user_names import device_user_name
from cli.migrate import DatabaseFails
from cli.terminal import say
from mqtt_acl.rabbitmq import KickingIssuer

# Above all generations that there are: a site that has not read the new key yet may give out some
# more meanwhile.
_ROOM = 1_000


class CannotRotate(KatydidError):
    """It is not the time for that, or it was not said what to do."""


def begin(settings: Settings) -> None:
    """Make a new one. Raises CannotRotate."""
    keys = load_secrets(settings).server_keys
    if keys.before is not None:
        raise CannotRotate(
            "The server key before the last one is still kept; ./katydid rotate --retire ends it"
            " first."
        )
    with _database(settings) as database, database.reading() as sql:
        since = max(keys.since, newest_generation(sql)) + _ROOM
    change_server_key(settings.secrets_dir, since=since)
    say(
        "made a new server key. The one before holds too, until ./katydid rotate --retire: browsers"
        " change over at their next visit, programs and things with a new credential"
    )


def retire(
    settings: Settings, *, cuts_off: bool, before_it_ends: Callable[[], None] = lambda: None
) -> None:
    """End the one before. Raises CannotRotate, and names them, when somebody still needs it and is
    not to be cut off. `before_it_ends` is called when all is clear."""
    keys = load_secrets(settings).server_keys
    if keys.before is None:
        raise CannotRotate("There is no server key from before; ./katydid rotate makes a new one.")
    with _database(settings) as database:
        with database.reading() as sql:
            left = devices_with_old_secrets(sql, keys)
        for account, device in left:
            say(_described(account, device))
        if left and not cuts_off:
            raise CannotRotate(
                f"Their secrets ({len(left)}) are from the key before; ./katydid rotate --retire"
                " --cut-off ends them, and they need new ones."
            )
        before_it_ends()
        # While it can still be asked for again, should the broker not answer.
        _cut_off(settings, left)
        with database.writing() as sql:
            for _, device in left:
                renew_secret(sql, device.id, keys)
    # Once more, for those whom a door on another machine has let in again in between.
    _cut_off(settings, left)
    forget_server_key_before(settings.secrets_dir)
    say("the server key before is gone, with all that was derived from it")


def _cut_off(settings: Settings, devices: list[tuple[str, Device]]) -> None:
    """RabbitMQ asks only who comes in. mosquitto is told of all secrets when Katydid starts."""
    if settings.broker != "rabbitmq" or not devices:
        return
    issuer = KickingIssuer(settings)
    try:
        for account, device in devices:
            issuer.cut_off(device_user_name(account, device.id))
    finally:
        issuer.close()


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    except SQLAlchemyError as error:
        raise DatabaseFails(database, error) from None
    finally:
        database.close()


def _described(account: str, device: Device) -> str:
    used = f"last used {rfc3339(device.last_used_at)}" if device.last_used_at else "no use noted"
    return f"{account}: {device.name} ({device.kind}, {device.id}), {used}"
