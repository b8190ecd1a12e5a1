"""Broker user names: of devices, and of our own programs. A client id always equals its user name.

No account's name begins with `_`, so no device can be taken for one of our programs.
"""

import re

from chat.topics import SHARDS, is_account_name, shard_digit

ADMIN = "_admin"
_DEVICE_ID = re.compile(r"[a-z0-9]{1,16}")


def device_user_name(account: str, device_id: str) -> str:
    """The user name of an account's device."""
    return f"{account}.{device_id}"


def bridge_user_name(shard: int) -> str:
    """The user name of the bridge's session for one shard."""
    return f"_bridge.{shard_digit(shard)}"


def account_and_device(user_name: str) -> tuple[str, str] | None:
    """The account's name and the device's id, whether or not there is such a device; None for a
    name that no device can have."""
    account, _, device_id = user_name.partition(".")
    return (account, device_id) if is_account_name(account) and is_device_id(device_id) else None


def is_device_id(text: str) -> bool:
    """Whether a device could have it: not every database takes any text as a question."""
    return _DEVICE_ID.fullmatch(text) is not None


def shard_of_bridge(user_name: str) -> int | None:
    """The shard whose bridge session is called so; None for any other name."""
    return _SHARDS.get(user_name)


_SHARDS = {bridge_user_name(shard): shard for shard in range(SHARDS)}
