"""Telling a running RabbitMQ whom to cut off. Who may come in, it asks by itself (`http_auth.py`).

It asks at each login, and then remembers; so a device that is no longer in SQL is refused by that
alone, but one that is connected has to be kicked.
"""

from collections.abc import Iterable
from urllib.parse import quote

from chat.settings import Settings
from chat.user_names import account_and_device
from mqtt_acl.http_auth import VHOST, client_of_queue, queues_of
from mqtt_acl.issuer import Credentials
from mqtt_acl.management import Management

_REASON = "the device was revoked"
_VHOST = quote(VHOST, safe="")


class KickingIssuer:
    """An Issuer for RabbitMQ; see `issuer.Issuer`."""

    def __init__(self, settings: Settings) -> None:
        self._management = Management(settings)

    def issue(self, credentials: Credentials) -> None:
        """Nothing to tell: the device is let in as soon as SQL has it."""

    def revoke(self, user_name: str) -> None:
        """Cut the device's connection, and delete what waits for it.

        Before SQL has forgotten the device, it comes in again; so the call after that is the one
        that counts.
        """
        self.cut_off(user_name)
        for queue in queues_of(user_name):
            # Who resumes a session is not asked about its topics again.
            self._management.delete(f"/queues/{_VHOST}/{quote(queue, safe='')}", reason=_REASON)

    def cut_off(self, user_name: str) -> None:
        """Cut the device's connection. One whose login is half-way, answered at the door but not
        yet in the list that this goes by, is not found; the door asks SQL again before it hears or
        says anything, and cuts it off then."""
        name = quote(user_name, safe="")
        self._management.delete(f"/connections/username/{name}", reason=_REASON)

    def knows(self, user_name: str) -> bool:
        """It lets every device in that is in SQL, and no other."""
        return True

    def restore(self, everyone: Iterable[Credentials]) -> None:
        """Cut off who was revoked while no kick reached the broker: all that have a queue there.
        Who has none hears nothing, and is refused before he says anything."""
        known = {credentials.user_name for credentials in everyone}
        queues = self._management.get(f"/queues/{_VHOST}?columns=name")
        clients = {client_of_queue(queue["name"]) for queue in queues}
        for user_name in clients - known:
            if user_name is not None and account_and_device(user_name) is not None:
                self.revoke(user_name)

    def check(self) -> None:
        self._management.get("/whoami")

    def close(self) -> None:
        self._management.close()
