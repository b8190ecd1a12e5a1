"""The answers to a broker that asks over HTTP who may do what, in RabbitMQ's words.

Pure: whether a device's password is right, and whether there is such a device at all, is asked of
SQL by whoever serves these answers (`web/door.py`). What is granted comes from `grants.py`, as for
any broker; what is not, is refused.

A question is the fields of a form. RabbitMQ asks `user` and `vhost` at CONNECT; `resource`, for the
session's queue and for the exchange that all topics are in, at the first SUBSCRIBE and PUBLISH; and
`topic` for each topic that is new. A connection remembers 12 of the answers that allow, until it
was idle for a second.
"""

import re
from collections.abc import Mapping

from chat.errors import KatydidError
from chat.secrets import Secrets
from chat.user_names import account_and_device, shard_of_bridge
from mqtt_acl.grants import Grants, grants_for_account, grants_for_bridge

VHOST = "/"
EXCHANGE = "amq.topic"
_EXCHANGE_OF_DELAYED_WILLS = "amq.default"
_QUEUE = re.compile(r"mqtt-subscription-(?P<waiting>.+)qos[01]|mqtt-will-(?P<will>.+)")

Question = Mapping[str, str]


def door_path(secrets: Secrets) -> str:
    """Below which the questions are answered: the long word in it keeps out whoever is no broker of
    this installation, since an answer tells whether a password is right."""
    return f"/{door_words(secrets)[0]}"


def door_words(secrets: Secrets) -> list[str]:
    """The long word, and the one before it while a broker may not have heard of the new one."""
    purpose = "broker door"
    return [key.hex() for key in (secrets.key_for(purpose), *secrets.old_keys_for(purpose))]


class MalformedQuestion(KatydidError):
    """A question lacks a field; no broker that we know asks so."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The question lacks {field}.")
        self.field = field


def is_bound_to_its_client_id(asked: Question) -> bool:
    """To a `user` question: whether a credential may be used with this client id. With another's,
    one would open the other's session, and hear what waits in it (RabbitMQ 4.3 lets anyone).

    Whoever comes to the management API has no client id, so no device gets in there either.
    """
    return asked.get("client_id") == field_of(asked, "username")


def may_enter_vhost(asked: Question) -> bool:
    """To a `vhost` question: there is one for all. (Somebody called `v:u` is u, and asks for v.)"""
    return field_of(asked, "vhost") == VHOST and grants_of(field_of(asked, "username")) is not None


def may_use_resource(asked: Question) -> bool:
    """To a `resource` question: a session's own queues, and the way through the one exchange."""
    if not may_enter_vhost(asked) or not is_bound_to_its_client_id(asked):
        return False
    user_name, permission = field_of(asked, "username"), field_of(asked, "permission")
    match field_of(asked, "resource"), field_of(asked, "name"):
        case "queue", name:
            return name in queues_of(user_name) and permission in ("configure", "write", "read")
        case "exchange", exchange if exchange == EXCHANGE:
            return permission in ("write", "read")
        case "exchange", exchange if exchange == _EXCHANGE_OF_DELAYED_WILLS:
            # A will's topic is asked for all the same.
            return permission == "write"
        case _:
            return False


def may_use_topic(asked: Question) -> bool:
    """To a `topic` question: publish below the one grant, subscribe to exactly the other.

    The topic comes as a routing key, with a dot for each slash and `*` for `+`. A dot in a topic is
    a slash to RabbitMQ from then on, so it says nothing else here than it does there. Below the
    grant anything may be published, as at any broker: the bridge tells what is wrong with it.
    """
    user_name, topic = field_of(asked, "username"), field_of(asked, "routing_key")
    grants = grants_of(user_name)
    is_here = field_of(asked, "name") == EXCHANGE and field_of(asked, "vhost") == VHOST
    if grants is None or not is_here or asked.get("variable_map.client_id") != user_name:
        return False
    match field_of(asked, "permission"):
        case "write":
            above = routing_key(grants.publish).removesuffix("#")
            return topic.startswith(above) and topic != above
        case "read":
            # `*` and `+`, `#` and what else would match is another filter, and not granted.
            return topic == routing_key(grants.subscribe)
        case _:
            return False


def is_before_hearing_or_saying(asked: Question) -> bool:
    """Whether a `resource` question is the one that comes before a connection hears, or says, its
    first: may it read from its queue, or write to the exchange."""
    asks = (field_of(asked, "resource"), field_of(asked, "permission"))
    return asks in (("queue", "read"), ("exchange", "write"))


def grants_of(user_name: str) -> Grants | None:
    """What a device or a bridge may do; None for a name that is neither's."""
    if (named := account_and_device(user_name)) is not None:
        return grants_for_account(named[0])
    if (shard := shard_of_bridge(user_name)) is not None:
        return grants_for_bridge(shard)
    return None


def queues_of(client_id: str) -> tuple[str, ...]:
    """The queues of a session, each there only when used: what waits for it by QoS 0 and 1, and a
    will that is to be sent some time after its connection broke."""
    waiting = (f"mqtt-subscription-{client_id}qos{qos}" for qos in (0, 1))
    return *waiting, f"mqtt-will-{client_id}"


def client_of_queue(queue: str) -> str | None:
    """The client id whose queue is called so; None for a queue that is no session's."""
    found = _QUEUE.fullmatch(queue)
    return (found["waiting"] or found["will"]) if found else None


def routing_key(topic_filter: str) -> str:
    """How RabbitMQ writes a topic, or a filter of topics."""
    return topic_filter.replace("/", ".").replace("+", "*")


def field_of(asked: Question, name: str) -> str:
    """A field that every question of its kind has. Raises MalformedQuestion."""
    try:
        return asked[name]
    except KeyError:
        raise MalformedQuestion(name) from None
