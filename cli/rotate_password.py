"""A new password of bridge or admin, and the end of the one before (`rotate.py`).

mosquitto learns both when Katydid starts, so one step is all there. At RabbitMQ everything runs on:
a bridge is asked for its password at the door, which takes either, and the admin has the new one
when the nodes have been told of it.
"""

from chat.rotation import change_password, forget_password_before
from chat.secrets import ADMIN_PASSWORD, passwords_in
from chat.settings import Settings
from chat.topics import SHARDS
from chat.user_names import ADMIN, bridge_user_name
from cli.rotate_key import CannotRotate
from cli.terminal import say
from mqtt_acl.management import Management
from mqtt_acl.rabbitmq import KickingIssuer


def begin(settings: Settings, name: str) -> None:
    """Make a new one, in the file of that name. Raises CannotRotate."""
    folder = settings.secrets_dir
    if len(passwords_in(folder, name)) > 1:
        raise CannotRotate(f"The {name} before the last one is still kept; --retire ends it first.")
    is_kept = settings.broker == "rabbitmq"
    change_password(folder, name, keeps_before=is_kept)
    say(
        f"made a new {name}. The one before holds too, until --retire"
        if is_kept
        else f"made a new {name}, which the broker learns when Katydid starts"
    )


def retire(settings: Settings, name: str) -> None:
    """End the one before. Raises CannotRotate, and BrokerUnreachable."""
    folder = settings.secrets_dir
    new, *before = passwords_in(folder, name)
    if not before:
        raise CannotRotate(f"There is no {name} from before.")
    if name == ADMIN_PASSWORD:
        _tell_of_admin(settings, new)
        forget_password_before(folder, name)
    else:
        forget_password_before(folder, name)
        _have_bridges_come_again(settings)
    say(f"the {name} before is gone")


def _tell_of_admin(settings: Settings, password: str) -> None:
    """One node tells all others."""
    management = Management(settings)
    try:
        management.put(f"/users/{ADMIN}", {"password": password, "tags": "administrator"})
    finally:
        management.close()


def _have_bridges_come_again(settings: Settings) -> None:
    """Whoever came in by the one before is out. What a bridge had not acknowledged comes to it
    again, and is known to the archive if it was stored."""
    issuer = KickingIssuer(settings)
    try:
        for shard in range(SHARDS):
            issuer.cut_off(bridge_user_name(shard))
    finally:
        issuer.close()
