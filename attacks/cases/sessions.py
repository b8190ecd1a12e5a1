"""Sessions at the broker: kept for ever, left unread, or living on after their account."""

import time
from collections.abc import Callable
from dataclasses import replace

from attacks.attack import MQTT, Door, Seen
from attacks.cases.admins import act, the_admin
from attacks.mqtt import CONNACK, connect_packet, publish_packet, subscribe_packet
from attacks.place import ALICE, Place, becomes_so
from bench.people import Person
from chat.topics import up

MQTT_DOOR = Door(MQTT)
# MQTT 5.0, section 3.1.2.11 and 3.1.3.2.
_FOR_EVER, _ONE_AT_A_TIME = b"\x11\xff\xff\xff\xff", b"\x21\0\1"
_AFTER_A_SECOND = b"\x18\0\0\0\1"
_CUT_WITHIN_SECONDS = 5.0
_LATER_SECONDS = 3.0
_MANY = 100
# RabbitMQ takes three seconds for each that it refuses.
_NAMES = 10
_LITTLE_BYTES = 50_000_000


@MQTT_DOOR.attack("a session for ever under each of ten client ids", "one a device")
def many_sessions(place: Place) -> Seen:
    """So an account has no more sessions than devices, whose number is limited."""
    device = place.new_device(place.newcomer())
    kept = 0
    for number in range(_NAMES):
        with place.mqtt() as mallory:
            name = f"{device.user_name}-{number}"
            kept += not mallory.connect(
                device, client_id=name, clean=False, properties=_FOR_EVER
            ).is_no
    with place.mqtt() as mallory:
        own = mallory.connect(device, clean=False, properties=_FOR_EVER)
    return Seen(not kept and not own.is_no, f"{1 + kept} of {_NAMES + 1} let in")


@MQTT_DOOR.attack(
    "a device that takes one message at a time, and acknowledges none", "it waits alone"
)
def takes_nothing(place: Place) -> Seen:
    """A thousand texts wait for it; nobody else waits, and little is set aside."""
    sender, lazy = (place.new_device(place.newcomer()) for _ in range(2))
    before = sum(place.memory_bytes().values())
    with place.mqtt() as held, place.mqtt().open(sender) as busy:
        held.connect(lazy, properties=_ONE_AT_A_TIME)
        held.send(subscribe_packet(lazy.receive_filter.encode()))
        topic = sender.send_topic.replace("{to}", lazy.account).encode()
        for number in range(1, 1_001):
            busy.send(publish_packet(topic, b"one more", packet_id=number))
        place.check_well()
        grown = sum(place.memory_bytes().values()) - before
    return Seen(grown < _LITTLE_BYTES, "the others talk on")


@MQTT_DOOR.attack(
    "one's own client id, a hundred times at once", "the newest stays, others unharmed"
)
def own_client_id(place: Place) -> Seen:
    device = place.new_device(place.newcomer())
    opened = [place.mqtt().open(device) for _ in range(_MANY)]
    newest, before = opened[-1], opened[:-1]
    stays = not newest.subscribe(device.receive_filter).is_no
    cut_off = sum(each.wait_for(CONNACK, seconds=1.0).is_cut_off for each in before)
    for each in opened:
        each.close()
    return Seen(stays and cut_off == len(before), f"{cut_off} cut off, one stays")


def _with_a_will(place: Place) -> tuple[Person, bytes, tuple[bytes, bytes]]:
    """A new device, what its will says, and that will: to Alice, as its owner may write."""
    device = place.new_device(place.newcomer())
    said = f"the last will of {device.account}".encode()
    return device, said, (up(device.account, ALICE, "send").encode(), said)


def _connect(device: Person, will: tuple[bytes, bytes]) -> bytes:
    name = device.user_name.encode()
    return connect_packet(
        name,
        name,
        device.password.encode(),
        clean=False,
        properties=_FOR_EVER,
        will=will,
        will_properties=_AFTER_A_SECOND,
    )


@MQTT_DOOR.attack("a last will with a delay, after the account was disabled", "not sent")
def will_of_a_disabled_one(place: Place) -> Seen:
    return _will_after(
        place, lambda device: act(the_admin(place), device.account, "disable") == 302
    )


@MQTT_DOOR.attack("a last will with a delay, after the device was revoked", "not sent")
def will_of_a_revoked_one(place: Place) -> Seen:
    def revoke(device: Person) -> bool:
        with place.http(device) as owner:
            own = device.user_name.partition(".")[2]
            return owner.delete(f"/api/v1/devices/{own}").status_code == 204

    return _will_after(place, revoke)


def _will_after(place: Place, end: Callable[[Person], bool]) -> Seen:
    """That of another, whose connection only breaks off, is sent."""
    device, said, will = _with_a_will(place)
    ordinary, last_words, ordinary_will = _with_a_will(place)
    with place.mqtt() as other:
        other.ask(_connect(ordinary, ordinary_will), CONNACK)
    with place.mqtt() as mallory:
        let_in = not mallory.ask(_connect(device, will), CONNACK).is_no
        ended = end(device)
        cut_off = mallory.wait_for(CONNACK, seconds=_CUT_WITHIN_SECONDS).is_cut_off
    is_sent = becomes_so(lambda: place.archived(last_words.decode()) == 1)
    time.sleep(_LATER_SECONDS)
    place.check_well()
    archived = place.archived(said.decode())
    told = place.alice_heard(said)
    held = let_in and ended and cut_off and is_sent and not archived and not told
    says = f"cut off, {archived} archived; another's {'is sent' if is_sent else 'is not sent'}"
    return Seen(held, says)


@MQTT_DOOR.attack("staying connected after the account was disabled, as a thing too", "cut off")
def staying(place: Place) -> Seen:
    owner = place.new_device(place.newcomer())
    with place.http(owner) as client:
        told = client.post("/api/v1/things", json={"account": f"t-{owner.account}"[:32]}).json()
    thing = replace(
        owner,
        user_name=told["mqtt"]["username"],
        password=told["mqtt"]["password"],
        receive_filter=told["mqtt"]["receive_filter"],
    )
    with place.mqtt().open(owner) as own, place.mqtt().open(thing) as its:
        act(the_admin(place), owner.account, "disable")
        cut_off = [
            each.wait_for(CONNACK, seconds=_CUT_WITHIN_SECONDS).is_cut_off for each in (own, its)
        ]
    refused = []
    for each in (owner, thing):
        with place.mqtt() as again:
            refused.append(again.connect(each).is_no)
    return Seen(all(cut_off) and all(refused), "both cut off, and refused")
