"""Hearing what is meant for others: filters that a device asks the broker for."""

from collections.abc import Callable

from attacks.attack import MQTT, Door, Seen
from attacks.mqtt import SUBACK, subscribe_packet
from attacks.place import ALICE, RABBITMQ, Place
from chat.topics import down, down_filter, up_account_filter, up_filter

MQTT_DOOR = Door(MQTT)
_FILTERS = {
    "everything": "#",
    "everything, level by level": "+/+/+/+/+",
    "everybody's messages": "chat/v1/down/+/message",
    "another's topics": down_filter(ALICE),
    "another's messages": down(ALICE, "message"),
    "what devices send, of one shard": up_filter(7),
    "what another sends": up_account_filter(ALICE),
    "the broker's own figures": "$SYS/#",
    "the broker's control": "$CONTROL/#",
    "a share of what devices send": "$share/g/chat/v1/up/#",
    "a share of another's topics": f"$share/g/{down_filter(ALICE)}",
    "another's topics with dots": f"chat.v1.down.{ALICE}/#",
    "another's topics with a star": "chat/v1/down/*/message",
}


def _asking_for(topic_filter: str, version: int) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        with place.mqtt(version=version).open(place.mallory) as mallory:
            answer = mallory.subscribe(topic_filter)
            place.check_well()  # by which the pair has said something that could be heard
            heard = mallory.hears(b"", seconds=0.05)
            return Seen(answer.is_no and not heard, f"{answer}{', and heard' * heard}")

    return run


for _name, _filter in _FILTERS.items():
    MQTT_DOOR.add(
        f"subscribe to {_name}: {_filter}", "refused, nothing heard", _asking_for(_filter, 5)
    )
for _name in ("everything", "another's topics"):
    MQTT_DOOR.add(
        f"the same by MQTT 3.1.1: {_FILTERS[_name]}",
        "refused, nothing heard",
        _asking_for(_FILTERS[_name], 4),
    )


@MQTT_DOOR.attack("a foreign filter behind an own one in one packet", "the foreign one refused")
def foreign_behind_own(place: Place) -> Seen:
    with place.mqtt().open(place.mallory) as mallory:
        answer = mallory.subscribe(place.mallory.receive_filter, down_filter(ALICE))
        place.check_well()
        heard = mallory.hears(b"canary", seconds=0.05)
        return Seen(answer.is_no and not heard, str(answer))


@MQTT_DOOR.attack("a filter of 60,000 levels", "refused or cut off, others unharmed")
def deep_filter(place: Place) -> Seen:
    with place.mqtt().open(place.mallory) as mallory:
        answer = mallory.subscribe("/".join(["+"] * 30_000))
        return Seen(answer.is_no, str(answer))


@MQTT_DOOR.attack(
    "a subscription identifier of 0", "refused or cut off", known={RABBITMQ: "harmless"}
)
def subscription_identifier(place: Place) -> Seen:
    own = place.mallory.receive_filter.encode()
    with place.mqtt().open(place.mallory) as mallory:
        answer = mallory.ask(subscribe_packet(own, properties=b"\x0b\x00"), SUBACK)
        return Seen(answer.is_no, str(answer))


@MQTT_DOOR.attack("reserved bits and QoS 3 in a subscription's options", "refused or cut off")
def subscription_options(place: Place) -> Seen:
    own = place.mallory.receive_filter.encode()
    with place.mqtt().open(place.mallory) as mallory:
        answer = mallory.ask(subscribe_packet(own, options=0xFF), SUBACK)
        return Seen(answer.is_no, str(answer))
