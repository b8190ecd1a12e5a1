"""Messages to who asks strangers to wait: what comes through before they are accepted, and how many
may be begun."""

import json
import secrets
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from attacks.at_once import listed
from attacks.attack import MQTT, Door, Seen
from attacks.mqtt import publish_packet
from attacks.place import STRANGERS_PER_HOUR, Place
from bench.people import Person
from chat.accounts import NO_PASSWORD
from chat.message_requests import MOST_MESSAGES
from chat.models import Account
from chat.times import now
from chat.topics import up

MQTT_DOOR = Door(MQTT)
_AT_ONCE = 4
_SILENT_SECONDS = 1.0
_MORE_THAN_ENOUGH = STRANGERS_PER_HOUR + 20
_BETWEEN = (
    "SELECT count(*) FROM message JOIN member ON member.conversation_id = message.conversation_id"
    " JOIN account ON account.id = member.account_id WHERE account.name = :name"
)
_BEGUN = (
    "SELECT count(*) FROM member JOIN account ON account.id = member.account_id"
    " WHERE account.name = :name"
)


@dataclass
class Pair:
    """Who writes first, and who wants to be asked."""

    place: Place
    stranger: Person
    asked: Person

    def told(self, verb: str, payload: object = b"") -> tuple[str, bytes]:
        """A topic and payload of the stranger's, to the other."""
        said = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return up(self.stranger.account, self.asked.account, verb), said

    def text(self) -> tuple[str, bytes]:
        word = secrets.token_hex(6)
        return self.told("send", {"id": word, "text": word})

    def say(self, *words: tuple[str, bytes]) -> None:
        """All of it, one after the other, and until the bridge is through with it."""
        with self.place.mqtt().open(self.stranger) as connection:
            for topic, payload in words:
                connection.publish(topic, payload)
        self.place.check_well()

    def archived(self) -> int:
        """What has come of it, of whatever kind."""
        return self.place.count(_BETWEEN, name=self.asked.account)

    def as_seen(self) -> Seen:
        """Whether no more came through than may."""
        number = self.archived()
        return Seen(number == MOST_MESSAGES, f"{number} archived")


def _pair(place: Place) -> Pair:
    stranger, asked = (place.new_device(place.newcomer()) for _ in range(2))
    with place.http(asked) as owner:
        owner.patch("/api/v1/accounts/me", json={"asks_first": True}).raise_for_status()
    return Pair(place, stranger, asked)


@MQTT_DOOR.attack("a stranger's sixth text", f"refused, {MOST_MESSAGES} archived")
def sixth(place: Place) -> Seen:
    pair = _pair(place)
    with place.mqtt().open(pair.stranger) as connection:
        connection.subscribe(pair.stranger.receive_filter)
        for _ in range(MOST_MESSAGES + 3):
            connection.publish(*pair.text())
        refused = connection.hears(b"has not accepted your messages yet")
    place.check_well()
    seen = pair.as_seen()
    return Seen(seen.held and refused, f"{'refused' if refused else 'no word'}, {seen.says}")


@MQTT_DOOR.attack(
    "a stranger's edits, reactions, replies and unsends beside texts",
    f"{MOST_MESSAGES} archived in all",
)
def events(place: Place) -> Seen:
    pair = _pair(place)
    texts = [pair.text()]
    for number in range(4):
        word = secrets.token_hex(6)
        texts += [
            pair.told("edit", {"id": f"e{word}", "seq": 1, "text": f"edited {number}"}),
            pair.told("react", {"id": f"r{word}", "seq": 1, "reaction": "\U0001f44d"}),
            pair.told("send", {"id": f"a{word}", "text": "again", "reply_to": 1}),
        ]
    pair.say(*texts, pair.told("unsend", {"id": "u", "seq": 1}))
    return pair.as_seen()


@MQTT_DOOR.attack("a stranger's texts by four devices at once", f"{MOST_MESSAGES} archived")
def raced(place: Place) -> Seen:
    pair = _pair(place)
    devices = [place.new_device(pair.stranger.account) for _ in range(_AT_ONCE)]

    def flood(device: Person) -> None:
        with place.mqtt().open(device) as connection:
            for number in range(1, 11):
                topic, payload = pair.text()
                connection.send(publish_packet(topic.encode(), payload, packet_id=number))
            connection.publish(*pair.text(), packet_id=99)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(flood, devices))
    place.check_well()
    return pair.as_seen()


_PRESENT = json.dumps({"online": True, "connection": "x"}).encode()


@MQTT_DOOR.attack(
    "what a stranger learns: read, received, typing, online, by MQTT and HTTP", "nothing"
)
def learns(place: Place) -> Seen:
    pair = _pair(place)
    with place.mqtt().open(pair.stranger) as stranger, place.mqtt().open(pair.asked) as asked:
        stranger.subscribe(pair.stranger.receive_filter)
        asked.subscribe(pair.asked.receive_filter)
        stranger.publish(*pair.text())
        came = asked.hears(b"/message")
        for verb, payload in (
            ("delivered", b'{"seq": 1}'),
            ("read", b'{"seq": 1}'),
            ("typing", b""),
        ):
            asked.publish(up(pair.asked.account, pair.stranger.account, verb), payload)
        asked.publish(up(pair.asked.account, "-", "presence"), _PRESENT)
        came = came and asked.hears(b"/receipt")
        place.check_well()
        stranger.hears(b"nothing, until then", seconds=_SILENT_SECONDS)
        told = [
            kind
            for kind in ("receipt", "typing", "presence")
            if _has_come(stranger.published, kind)
        ]
        with place.http(pair.stranger) as client:
            [line] = client.get("/api/v1/conversations").json()["conversations"]
    told += [
        key for key in ("peer_read", "peer_delivered", "online", "last_seen_at") if line.get(key)
    ]
    return Seen(came and not told, ", ".join(told) or "nothing")


def _has_come(published: Sequence[bytes], kind: str) -> bool:
    return any(f"/{kind}".encode() in each for each in published)


@MQTT_DOOR.attack("a stranger's typing and presence", "the other hears none")
def signals(place: Place) -> Seen:
    pair = _pair(place)
    with place.mqtt().open(pair.asked) as asked:
        asked.subscribe(pair.asked.receive_filter)
        presence = up(pair.stranger.account, "-", "presence"), _PRESENT
        pair.say(pair.text(), pair.told("typing"), presence, pair.text())
        came = asked.hears(b'"seq":2')
        told = [kind for kind in ("typing", "presence") if _has_come(asked.published, kind)]
    return Seen(came and not told, ", ".join(told) or "none")


def _accepted(place: Place, by: Person, peer: str) -> int:
    with place.http(by) as client:
        return client.post(f"/api/v1/conversations/{peer}/accept").status_code


@MQTT_DOOR.attack("a stranger who accepts himself, or has another do it", "still asked to wait")
def accepts_himself(place: Place) -> Seen:
    pair = _pair(place)
    pair.say(pair.text())
    said = [
        _accepted(place, pair.stranger, pair.asked.account),
        _accepted(place, place.mallory, pair.stranger.account),
        _accepted(place, place.mallory, pair.asked.account),
    ]
    pair.say(*(pair.text() for _ in range(MOST_MESSAGES + 1)))
    seen = pair.as_seen()
    return Seen(seen.held and said[1:] == [404, 404], f"{listed(set(said))}, {seen.says}")


@MQTT_DOOR.attack("accepting what was never asked: nobody, oneself, -, an unknown name", "404")
def accepts_nothing(place: Place) -> Seen:
    name = place.newcomer()
    peers = (name, place.mallory.account, "-", "nobody-at-all", "x" * 300, "%00")
    said = {_accepted(place, place.mallory, peer) for peer in peers}
    return Seen(said == {404}, listed(said))


@MQTT_DOOR.attack("a stranger who was blocked, while he is, and after it", "no more than before")
def blocked(place: Place) -> Seen:
    pair = _pair(place)
    pair.say(pair.text(), pair.text())
    with place.http(pair.asked) as owner:
        path = f"/api/v1/blocks/{pair.stranger.account}"
        owner.put(path).raise_for_status()
        pair.say(*(pair.text() for _ in range(3)))
        while_blocked = pair.archived()
        owner.delete(path).raise_for_status()
    pair.say(*(pair.text() for _ in range(MOST_MESSAGES)))
    seen = pair.as_seen()
    return Seen(seen.held and while_blocked == 2, f"{while_blocked}, then {seen.says}")


@MQTT_DOOR.attack(
    "writing to everybody, by four devices at once", f"{STRANGERS_PER_HOUR} conversations an hour"
)
def everybody(place: Place) -> Seen:
    """Of people who are in SQL alone: that many would need some time to register."""
    name = place.newcomer()
    devices = [place.new_device(name) for _ in range(_AT_ONCE)]
    people = [f"{name}-{number}"[-32:].lstrip("-") for number in range(_MORE_THAN_ENOUGH)]
    with place.installation.database.writing() as session:
        session.add_all(
            Account(name=each, display_name=each, password_hash=NO_PASSWORD, created_at=now())
            for each in people
        )

    def write(device: Person) -> Counter[bool]:
        with place.mqtt().open(device) as connection:
            return Counter(connection.publish(up(name, to, "send"), to).is_no for to in people)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(write, devices))
    place.check_well()
    begun = place.count(_BEGUN, name=name)
    return Seen(begun == STRANGERS_PER_HOUR, f"{begun} conversations")
