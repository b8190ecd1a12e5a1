"""Nonsense at every door by somebody who has an account, while a pair chats on."""

import base64
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import httpx

from attacks.cases.door import url_of
from attacks.chatting import Pair
from attacks.figures import Flood
from attacks.mqtt import PUBACK, Answer, Mqtt, publish_packet
from attacks.nonsense import Nonsense
from attacks.place import RABBITMQ, NotWell, Place
from attacks.raw_http import exchange
from mqtt_acl.http_auth import door_path

SEED = 1
_AT_ONCE = 50
_BY_WEBSOCKET = "packets by WebSocket"
# mosquitto 2.0.11 takes 50 ms for one: as long as some twenty packets by TCP.
_A_HANDSHAKE = 20
_WITHIN_SECONDS = 10.0


def fuzz(place: Place, pair: Pair, inputs: int) -> Iterator[Flood]:
    """So many at each door that there is; by WebSocket, a twentieth."""
    for name in _doors(place):
        number = -(-inputs // _A_HANDSHAKE) if name == _BY_WEBSOCKET else inputs
        yield _at_door(name, place, pair, number)


def _doors(place: Place) -> Mapping[str, Callable[[Place, Nonsense], Iterator[str]]]:
    doors: dict[str, Callable[[Place, Nonsense], Iterator[str]]] = {
        "topics and payloads": _publish,
        "packets by TCP": lambda place, nonsense: _packets(place, nonsense, websocket=False),
        "requests": _requests,
        _BY_WEBSOCKET: lambda place, nonsense: _packets(place, nonsense, websocket=True),
    }
    if place.broker == RABBITMQ:
        doors["broker's questions"] = _questions
    return doors


def _at_door(name: str, place: Place, pair: Pair, inputs: int) -> Flood:
    flood = Flood(f"nonsense: {name}", place.broker)
    before = place.memory_bytes()
    answers: Counter[str] = Counter()
    began = time.monotonic()
    try:
        with pair.chatting() as chatted:
            person = place.new_device(place.newcomer())
            answers.update(islice(_doors(place)[name](place, Nonsense(SEED, person)), inputs))
            seconds = time.monotonic() - began
        flood.note_kept(chatted)
        place.check_well()
    except NotWell as problem:
        flood.wrong.append(str(problem))
        seconds = time.monotonic() - began
    flood.numbers["inputs"] = f"{inputs:,} in {seconds:.0f} s"
    flood.numbers["answers"] = ", ".join(f"{n:,} × {what}" for what, n in answers.most_common(8))
    flood.note_memory(before, place.memory_bytes())
    if wrong := [each for each in answers if each.startswith(("5", "allow"))]:
        flood.wrong += [f"{answers[each]} were answered with {each}." for each in wrong]
    return flood


# Each answers for ever, input by input, with what was said to it in a word.


def _publish(place: Place, nonsense: Nonsense) -> Iterator[str]:
    """Some at a time; RabbitMQ ends the connection of who goes too far."""
    while True:
        with place.mqtt().open(nonsense.person) as mallory:
            mallory.subscribe(nonsense.person.receive_filter)
            while True:
                said = [nonsense.published() for _ in range(_AT_ONCE)]
                for number, (topic, payload) in enumerate(said):
                    mallory.send(publish_packet(topic, payload, packet_id=number + 1))
                answers = _answers(mallory)
                yield from answers
                mallory.published.clear()
                if "cut off" in answers:
                    break


def _answers(mallory: Mqtt) -> list[str]:
    """One for each that was sent together."""
    found: list[str] = []
    for _ in range(_AT_ONCE):
        answer = mallory.wait_for(PUBACK, seconds=_WITHIN_SECONDS)
        found.append(_word_for(answer))
        if answer.is_cut_off:
            break
    return found


def _word_for(answer: Answer) -> str:
    return "cut off" if answer.is_cut_off else str(answer)


def _packets(place: Place, nonsense: Nonsense, *, websocket: bool) -> Iterator[str]:
    """A connection for each; half of them come in first."""
    while True:
        with place.mqtt(websocket=websocket) as mallory:
            if nonsense.chance.random() < 0.5:
                mallory.open(nonsense.person)
            mallory.send(nonsense.packet())
            mallory.end_sending()
            said = mallory.everything(seconds=_WITHIN_SECONDS)
            yield "answered and cut off" if said else "cut off" if mallory.is_over else "no answer"


def _requests(place: Place, nonsense: Nonsense) -> Iterator[str]:
    """Whatever the device asks for, of what there is."""
    person = nonsense.person
    words = base64.b64encode(f"{person.user_name}:{person.password}".encode()).decode()
    while True:
        data = nonsense.request(f"Basic {words}")
        answers = exchange(place.http_port, data, seconds=_WITHIN_SECONDS, is_all=True)
        place.loot.add(answers.raw)
        yield str(answers.status or "cut off")


def _questions(place: Place, nonsense: Nonsense) -> Iterator[str]:
    """By somebody who has got hold of the word, and of no password."""
    fields = ("username", "password", "client_id", "vhost", "resource", "name", "permission")
    kinds = ("user", "resource", "topic", "vhost", "x")
    with httpx.Client(base_url=f"{url_of(place)}{door_path(place.secrets)}", timeout=30) as client:
        while True:
            named = {field: nonsense.payload()[:60].decode("latin-1") for field in fields}
            if nonsense.chance.random() < 0.5:
                named |= {"username": place.alice.user_name, "client_id": place.alice.user_name}
            kind = nonsense.chance.choice(kinds)
            answer = client.post(f"/{kind}", data=named)
            is_known = kind == "vhost" and named["vhost"] == "/"
            yield "known" if is_known else answer.text.partition(";")[0][:40]
