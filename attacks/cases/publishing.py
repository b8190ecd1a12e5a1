"""Saying what one may not say: as another, to whom one may not, or where nobody speaks but us."""

import json
import secrets
from collections.abc import Callable

from attacks.attack import MQTT, Door, Seen
from attacks.mqtt import SUBACK, publish_packet, subscribe_packet, text
from attacks.place import ALICE, BOB, Place
from bench.people import Person
from chat.topics import SHARDS, down, shard_of, up

MQTT_DOOR = Door(MQTT)
_RESPONSE_TOPIC, _CORRELATION_DATA = b"\x08", b"\x09"  # MQTT 5.0, section 2.2.2.2
_KILOBYTE = 1_000


def _token() -> str:
    return f"forged {secrets.token_hex(6)}"


def _to_bob(person: Person) -> str:
    return person.send_topic.replace("{to}", BOB)


def _another_shard(place: Place) -> str:
    shard = (shard_of(place.mallory.account) + 1) % SHARDS
    return f"chat/v1/up/{shard:x}/{place.mallory.account}/{BOB}/send"


_TOPICS: dict[str, Callable[[Place], str]] = {
    "as another account": lambda _: up(ALICE, BOB, "send"),
    "as another account, to oneself": lambda place: up(ALICE, place.mallory.account, "send"),
    "as oneself on another's shard": _another_shard,
    "to another's device, past the bridge": lambda _: down(ALICE, "message"),
    "to one's own device, past the bridge": lambda place: down(place.mallory.account, "message"),
    "as another's presence": lambda _: up(ALICE, "-", "presence"),
    "to the broker's control": lambda _: "$CONTROL/dynamic-security/v1",
    "to the broker's own figures": lambda _: "$SYS/broker/version",
    "as another account, with dots": lambda _: f"chat.v1.up.0.{ALICE}.{BOB}.send",
    "above one's own grant": lambda place: up(place.mallory.account, "", "")[:12],
}
_COMMAND = '{"commands": [{"command": "listClients", "verbose": true}], "%s": 1}'


def _saying(topic_of: Callable[[Place], str], version: int) -> Callable[[Place], Seen]:
    """Judged by what reached anybody, since MQTT 3.1.1 has no word for a refusal."""

    def run(place: Place) -> Seen:
        forged, topic = _token(), topic_of(place)
        with place.mqtt(version=version).open(place.mallory) as mallory:
            mallory.ask(
                subscribe_packet(place.mallory.receive_filter.encode(), version=version), SUBACK
            )
            answer = mallory.publish(topic, _COMMAND % forged if "$" in topic else forged)
            place.check_well()
            told = mallory.hears(forged.encode(), seconds=0.05) or place.alice_heard(
                forged.encode()
            )
        archived = place.archived(forged)
        has_held = not archived and not told and (answer.is_no or version == 4)
        return Seen(has_held, f"{answer}, {archived} archived{', delivered' * told}")

    return run


for _name, _topic_of in _TOPICS.items():
    MQTT_DOOR.add(
        f"publish {_name}", "refused, nothing archived or delivered", _saying(_topic_of, 5)
    )
for _name in ("as another account", "to another's device, past the bridge"):
    MQTT_DOOR.add(
        f"the same by MQTT 3.1.1: {_name}",
        "nothing archived or delivered",
        _saying(_TOPICS[_name], 4),
    )


@MQTT_DOOR.attack("a retained message upwards", "at most once in the archive, nothing retained")
def retained(place: Place) -> Seen:
    forged, topic = _token(), _to_bob(place.mallory)
    with place.mqtt().open(place.mallory) as mallory:
        answer = mallory.publish(topic, forged, retain=True)
    place.check_well()
    return Seen(place.archived(forged) <= 1, f"{answer}, {place.archived(forged)} archived")


@MQTT_DOOR.attack("the same text at QoS 2", "at most once in the archive")
def exactly_once(place: Place) -> Seen:
    forged = _token()
    with place.mqtt().open(place.mallory) as mallory:
        answer = mallory.publish(_to_bob(place.mallory), forged, qos=2)
    place.check_well()
    return Seen(place.archived(forged) <= 1, f"{answer}, {place.archived(forged)} archived")


def _as_a_will(topic: str, payload: str) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        forged = _token()
        device = place.new_device(place.mallory.account)
        with place.mqtt() as mallory:
            will = topic.encode(), (payload or forged).encode()
            answer = mallory.connect(device, will=will)
        place.check_well()
        told = place.alice_heard(forged.encode())
        archived = place.archived(forged)
        return Seen(not told and not archived, f"{answer}, {archived} archived{', heard' * told}")

    return run


MQTT_DOOR.add("a last will as another account", "not sent", _as_a_will(up(ALICE, BOB, "send"), ""))
MQTT_DOOR.add("a last will to another's device", "not sent", _as_a_will(down(ALICE, "message"), ""))


@MQTT_DOOR.attack("history answered at another's topic", "refused, the other hears nothing")
def foreign_response_topic(place: Place) -> Seen:
    with place.mqtt().open(place.mallory) as mallory:
        mallory.subscribe(place.mallory.receive_filter)
        topic = up(place.mallory.account, BOB, "history").encode()
        asked = _RESPONSE_TOPIC + text(down(ALICE, "history").encode())
        mallory.send(publish_packet(topic, b"", properties=asked))
        refused = mallory.hears(b'"reason":"refused"')
    place.check_well()
    told = place.alice_heard(b"/history")
    return Seen(refused and not told, "refused" if refused else "no refusal came")


@MQTT_DOOR.attack("the history of two others", "nothing of theirs")
def foreign_history(place: Place) -> Seen:
    with place.mqtt().open(place.mallory) as mallory:
        mallory.subscribe(place.mallory.receive_filter)
        for peer in (ALICE, BOB, f"{ALICE}:{BOB}", f"{ALICE}' OR '1'='1"):
            mallory.publish(up(place.mallory.account, peer, "history"), b"")
        heard = mallory.hears(b"canary", seconds=1.0)
    return Seen(not heard, "heard" if heard else "nothing of theirs")


@MQTT_DOOR.attack("correlation data of 64 kB", "answered or refused, others unharmed")
def correlation_data(place: Place) -> Seen:
    with place.mqtt().open(place.mallory) as mallory:
        mallory.subscribe(place.mallory.receive_filter)
        topic = up(place.mallory.account, BOB, "history").encode()
        answer_at = _RESPONSE_TOPIC + text(down(place.mallory.account, "page").encode())
        properties = answer_at + _CORRELATION_DATA + text(b"c" * 65_535)
        answer = mallory.publish(topic, b"", properties=properties)  # type: ignore[arg-type]
        heard = mallory.hears(b"/page") or mallory.hears(b"/error", seconds=0)
        return Seen(heard or answer.is_no, "answered" if heard else str(answer))


def _payload(payload: bytes, reason: str) -> Callable[[Place], Seen]:
    """A message that is wrong in itself: its sender hears why."""

    def run(place: Place) -> Seen:
        with place.mqtt().open(place.mallory) as mallory:
            mallory.subscribe(place.mallory.receive_filter)
            answer = mallory.publish(_to_bob(place.mallory), payload)
            heard = mallory.hears(f'"reason":"{reason}"'.encode())
            return Seen(heard or answer.is_cut_off, reason if heard else f"{answer}, no word")

    return run


_PAYLOADS: dict[str, tuple[bytes, str]] = {
    "that is not UTF-8": (b"\xff\xfe\x80 forged", "malformed"),
    "with NUL": (b"forged \0 text", "malformed"),
    "with half of a surrogate pair": (b'{"id": "x", "text": "\\ud800"}', "malformed"),
    "nested 100,000 deep": (b'{"":' + b"[" * 100_000, "malformed"),
    "with 1e999 for a number": (b'{"id": "x", "text": "x", "reply_to": 1e999}', "malformed"),
    "of 4,001 characters": (b"x" * 4_001, "too-long"),
    "with an id of 1 MB, cut by the packet": (b'{"id": "' + b"x" * 200_000, "malformed"),
}
for _name, (_bytes, _reason) in _PAYLOADS.items():
    MQTT_DOOR.add(f"a payload {_name}", f"answered: {_reason}", _payload(_bytes, _reason))


@MQTT_DOOR.attack("a message with the sender and the seq of others in it", "archived as one's own")
def forged_fields(place: Place) -> Seen:
    forged = _token()
    payload = {"id": forged, "text": forged, "from": ALICE, "seq": 1, "conversation": 1}
    with place.mqtt().open(place.mallory) as mallory:
        mallory.subscribe(place.mallory.receive_filter)
        mallory.publish(_to_bob(place.mallory), json.dumps(payload))
        mallory.hears(forged.encode())
    by_mallory = place.count(
        "SELECT count(*) FROM message JOIN account ON account.id = sender_id"
        " WHERE body = :body AND account.name = :name",
        body=forged,
        name=place.mallory.account,
    )
    return Seen(by_mallory == place.archived(forged), f"{by_mallory} archived, by its sender")


@MQTT_DOOR.attack("editing and unsending another's text", "refused, the text as it was")
def foreign_edit(place: Place) -> Seen:
    forged = _token()
    with place.mqtt().open(place.mallory) as mallory:
        mallory.subscribe(place.mallory.receive_filter)
        for verb in ("edit", "unsend"):
            said = {"id": f"{forged} {verb}", "seq": 1, "text": forged}
            mallory.publish(up(place.mallory.account, ALICE, verb), json.dumps(said))
        refused = mallory.hears(b'"reason":"refused"')
    return Seen(refused and not place.archived(forged), "refused" if refused else "no refusal came")
