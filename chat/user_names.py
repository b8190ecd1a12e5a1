"""Broker user names: of devices, and of our own programs. A client id always equals its user name.

No account's name begins with `_`, so no device can be taken for one of our programs.
"""

from chat.topics import shard_digit

ADMIN = "_admin"


def device_user_name(account: str, device_id: str) -> str:
    """The user name of an account's device."""
    return f"{account}.{device_id}"


def bridge_user_name(shard: int) -> str:
    """The user name of the bridge's session for one shard."""
    return f"_bridge.{shard_digit(shard)}"
