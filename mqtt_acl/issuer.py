"""What a broker is told of devices: issue a credential, revoke it, restore all of them.

The protocol that `web` and `cli` know. mosquitto keeps a list of credentials, and is told of each
change; RabbitMQ keeps none, asks at each login, and is told only whom to cut off.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from chat.devices import device_secret
from chat.models import Device
from chat.secrets import ServerKeys
from chat.user_names import device_user_name


@dataclass(frozen=True)
class Credentials:
    """What a device of an account connects with. The client id must equal the user name."""

    account: str
    user_name: str
    password: str = field(repr=False)


class Issuer(Protocol):
    """Tells one broker who may do what. Every method raises BrokerUnreachable.

    Safe for use by several threads. A second call with the same argument changes nothing.
    """

    def issue(self, credentials: Credentials) -> None:
        """Let the device in, with its account's grants."""

    def revoke(self, user_name: str) -> None:
        """Refuse the device from now on, and cut its live connection at once."""

    def knows(self, user_name: str) -> bool:
        """Whether the broker lets the device in; changes nothing."""

    def restore(self, everyone: Iterable[Credentials]) -> None:
        """Make the broker know these devices and no others."""

    def check(self) -> None:
        """Answer when the broker does."""

    def close(self) -> None:
        """End all connections; nothing is asked afterwards."""


def credentials_of(account: str, device: Device, keys: ServerKeys) -> Credentials:
    """A device's credentials, derived anew."""
    secret = device_secret(keys, device)
    return Credentials(account, device_user_name(account, device.id), secret)
