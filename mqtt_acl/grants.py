"""Who may do what: the two grants of an account, and those of the bridge.

Pure, and the only place of the rule; every broker's dialect is derived from here.
"""

from dataclasses import dataclass

from chat.topics import all_down_filter, down_filter, up_account_filter, up_filter


@dataclass(frozen=True)
class Grants:
    """All that a client may do: publish below one filter, subscribe to exactly one filter."""

    publish: str
    subscribe: str


def grants_for_account(account: str) -> Grants:
    """Publish as oneself, and hear what is meant for oneself; nothing else."""
    return Grants(publish=up_account_filter(account), subscribe=down_filter(account))


def grants_for_bridge(shard: int) -> Grants:
    """Hear all accounts of one shard, and tell everyone."""
    return Grants(publish=all_down_filter(), subscribe=up_filter(shard))
