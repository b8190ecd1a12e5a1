"""Every topic of the public contract, built and parsed: the only place with a "/" in a topic.

Pure. `mqtt_acl` turns these into grants, `bridge` into subscriptions and deliveries, `web` into
what a client is told.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

SHARDS = 16
VERBS = (
    "send",
    "edit",
    "unsend",
    "react",
    "delivered",
    "read",
    "typing",
    "presence",
    "history",
)
NOBODY = "-"

_ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{1,31}")
_UP = "chat/v1/up"
_DOWN = "chat/v1/down"
_UP_DEPTH = 7


@dataclass(frozen=True, slots=True)
class UpTopic:
    """What a device's publish says by its topic alone."""

    account: str
    to: str
    verb: str


class NotAnUpTopic(ValueError):
    """The topic lies below `up/<shard>/<account>/`, but is none of the contract.

    `account` is who is to be told (None where not even that can be read), `to` and `verb` are what
    could be read, and the message says what was wrong.
    """

    def __init__(self, problem: str, *, account: str | None, to: str = "", verb: str = "") -> None:
        super().__init__(problem)
        self.account = account
        self.to = to
        self.verb = verb


def is_account_name(text: str) -> bool:
    """Whether an account may be called so: 2 to 32 of a-z, 0-9, `_`, `-`, the first no sign."""
    return _ACCOUNT_NAME.fullmatch(text) is not None


def shard_of(account: str) -> int:
    """The shard, 0 to 15, of an account's name; fixed for the life of an installation."""
    return crc32(account.encode()) % SHARDS


def shard_digit(shard: int) -> str:
    """The shard as it stands in topics and user names: one hexadecimal digit."""
    return format(shard, "x")


def up_filter(shard: int) -> str:
    """What the bridge subscribes to for one shard."""
    return f"{_UP}/{shard_digit(shard)}/#"


def up_account_filter(account: str) -> str:
    """All that an account's devices may publish to."""
    return f"{_UP}/{shard_digit(shard_of(account))}/{account}/#"


def up(account: str, to: str, verb: str) -> str:
    """Where a device of `account` publishes a verb that is meant for `to`."""
    return f"{_UP}/{shard_digit(shard_of(account))}/{account}/{to}/{verb}"


def down(account: str, kind: str) -> str:
    """Where the bridge publishes one kind of news for an account."""
    return f"{_DOWN}/{account}/{kind}"


def up_template(verb: str) -> str:
    """The topics of a verb, with the names of what stands in them in braces."""
    to = NOBODY if verb == "presence" else "{to}"
    return f"{_UP}/{{shard}}/{{account}}/{to}/{verb}"


def down_template(kind: str) -> str:
    """The topics of one kind of news, likewise."""
    return f"{_DOWN}/{{account}}/{kind}"


def down_filter(account: str) -> str:
    """What a device subscribes to, to hear all that is meant for its account."""
    return f"{_DOWN}/{account}/#"


def all_down_filter() -> str:
    """All that the bridge may publish to."""
    return f"{_DOWN}/#"


def account_told_at(topic: str) -> str | None:
    """The account that is told a message at this topic; None for other kinds of news."""
    account = topic.removeprefix(f"{_DOWN}/").partition("/")[0]
    return account if topic == down(account, "message") else None


def is_below_down(topic: str, account: str) -> bool:
    """Whether an answer to `account` may be published there: strictly below its own `down/`, at
    most 200 characters in 4 levels (brokers end the connection for a topic that is too deep)."""
    prefix = f"{_DOWN}/{account}/"
    below = topic[len(prefix) :]
    is_short = 0 < len(below) <= 200 and below.count("/") < 4
    return topic.startswith(prefix) and is_short and not re.search(r"[+#\x00-\x1f\x7f]", below)


def parse_up(topic: str) -> UpTopic:
    """The account, recipient and verb of an up topic. Raises NotAnUpTopic."""
    return _remembered(topic) if len(topic) <= _LONGEST_REMEMBERED else _parse_up(topic)


def _parse_up(topic: str) -> UpTopic:
    levels = topic.split("/")
    account = levels[4] if len(levels) > 4 else ""
    if not topic.startswith(_UP + "/") or not is_account_name(account):
        raise NotAnUpTopic("is none of this contract", account=None)
    if len(levels) != _UP_DEPTH:
        problem = f"must be {_UP}/<shard>/{account}/<to>/<verb>"
        raise NotAnUpTopic(problem, account=account, to=levels[5] if len(levels) > 5 else "")
    to, verb = levels[5], levels[6]
    if levels[3] != shard_digit(shard_of(account)):
        problem = f"names shard {levels[3]!r}, but {account} is in {shard_digit(shard_of(account))}"
        raise NotAnUpTopic(problem, account=account, to=to, verb=verb)
    if verb not in VERBS:
        problem = f"ends in {verb!r}, but must end in one of {', '.join(VERBS)}"
        raise NotAnUpTopic(problem, account=account, to=to, verb=verb)
    if (verb == "presence") != (to == NOBODY):
        problem = f"must name {'-' if verb == 'presence' else 'an account'} before {verb}"
        raise NotAnUpTopic(problem, account=account, to=to, verb=verb)
    return UpTopic(account, to, verb)


# Most of what comes up, comes at a topic that came up before.
_LONGEST_REMEMBERED = 128
_remembered = lru_cache(maxsize=16_384)(_parse_up)
