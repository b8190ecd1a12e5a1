"""Coming in as another, or staying when one should be gone."""

from collections.abc import Callable
from dataclasses import replace

from attacks.attack import MQTT, Door, Seen
from attacks.mqtt import CONNACK, Answer, connect_packet
from attacks.place import ALICE, BOB, Place
from bench.people import PASSWORD, Person
from chat.user_names import ADMIN

MQTT_DOOR = Door(MQTT)
_CUT_WITHIN_SECONDS = 5.0


def _refused(answer: Answer) -> Seen:
    return Seen(answer.is_no, str(answer))


@MQTT_DOOR.attack("another's client id with one's own credential", "refused, the other stays")
def take_over(place: Place) -> Seen:
    with place.mqtt() as mallory:
        answer = mallory.connect(place.mallory, client_id=place.alice.user_name, clean=False)
    place.check_well()  # over the connection that was to be taken over
    return _refused(answer)


@MQTT_DOOR.attack("the bridge's client id with one's own credential", "refused, the bridge stays")
def take_over_the_bridge(place: Place) -> Seen:
    with place.mqtt() as mallory:
        answer = mallory.connect(place.mallory, client_id="_bridge.0", clean=False)
    return _refused(answer)


@MQTT_DOOR.attack("one's own client id with a wrong password", "refused, who is there stays")
def wrong_password(place: Place) -> Seen:
    with place.mqtt() as mallory:
        answer = mallory.connect(place.alice, password="wrong")  # noqa: S106
    place.check_well()
    return _refused(answer)


@MQTT_DOOR.attack("an empty client id", "refused")
def empty_client_id(place: Place) -> Seen:
    with place.mqtt() as mallory:
        return _refused(mallory.connect(place.mallory, client_id=""))


_STRANGERS: dict[str, tuple[bytes, bytes | None, bytes | None]] = {
    "nobody at all": (b"x", None, None),
    "the admin without a password": (ADMIN.encode(), ADMIN.encode(), b""),
    "the admin with the account's password": (ADMIN.encode(), ADMIN.encode(), PASSWORD.encode()),
    "a bridge without a password": (b"_bridge.0", b"_bridge.0", b""),
    "an account with its password": (ALICE.encode(), ALICE.encode(), PASSWORD.encode()),
    "RabbitMQ's guest": (b"guest", b"guest", b"guest"),
    "an account of a virtual host": (b"/:alice", b"/:alice", b"x"),
    "a name of 65,535 bytes": (b"x", b"u" * 65_535, b"p" * 65_535),
    "a name that is not UTF-8": (b"x", b"\xff\xfe", b"x"),
    "a name with NUL": (b"x", b"alice\0.x", b"x"),
}


def _coming_as(who: tuple[bytes, bytes | None, bytes | None]) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        with place.mqtt() as stranger:
            return _refused(stranger.ask(connect_packet(*who), CONNACK))

    return run


for _name, _who in _STRANGERS.items():
    MQTT_DOOR.add(f"coming in as {_name}", "refused or cut off", _coming_as(_who))


@MQTT_DOOR.attack("another's device id with one's own name", "refused")
def mixed_names(place: Place) -> Seen:
    device = place.alice.user_name.partition(".")[2]
    mixed = replace(place.mallory, user_name=f"{place.mallory.account}.{device}")
    with place.mqtt() as mallory:
        return _refused(mallory.connect(mixed, password=place.alice.password))


def _revoke(place: Place, person: Person) -> None:
    device = person.user_name.partition(".")[2]
    with place.http(person) as owner:
        owner.delete(f"/api/v1/devices/{device}").raise_for_status()


@MQTT_DOOR.attack("staying connected after one's device was revoked", "cut off, hears no more")
def stay_after_revocation(place: Place) -> Seen:
    device = place.new_device(place.mallory.account)
    with place.mqtt().open(device) as mallory:
        mallory.subscribe(device.receive_filter)
        _revoke(place, device)
        answer = mallory.wait_for(CONNACK, seconds=_CUT_WITHIN_SECONDS)
        return Seen(answer.is_cut_off, str(answer))


@MQTT_DOOR.attack("coming again with a revoked credential, by MQTT and HTTP", "refused at both")
def return_after_revocation(place: Place) -> Seen:
    device = place.new_device(place.mallory.account)
    _revoke(place, device)
    with place.mqtt() as mallory, place.http() as http:
        answer = mallory.connect(device)
        auth = (device.user_name, device.password)
        status = http.get("/api/v1/accounts/me", auth=auth).status_code
        return Seen(answer.is_no and status == 401, f"{answer}, {status}")


@MQTT_DOOR.attack("a session kept for a revoked device", "nothing waits in it")
def session_after_revocation(place: Place) -> Seen:
    device = place.new_device(BOB)
    for_ever = b"\x11\xff\xff\xff\xff"
    with place.mqtt() as mallory:
        mallory.connect(device, clean=False, properties=for_ever)
        mallory.subscribe(device.receive_filter)
    _revoke(place, device)
    place.check_well()
    with place.mqtt() as mallory:
        answer = mallory.connect(device, clean=False, properties=for_ever)
        heard = mallory.hears(b"canary", seconds=0.1)
        return Seen(answer.is_no and not heard, str(answer))
