"""Nonsense at every door by many who have an account, while a pair chats on."""

import base64
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, takewhile
from threading import Event

import httpx

from attacks.browsing import COOKIE, Browser
from attacks.cases.door import url_of
from attacks.chatting import Pair
from attacks.figures import Flood
from attacks.mqtt import PUBACK, Answer, Mqtt, publish_packet, upgrade_request
from attacks.nonsense import Nonsense
from attacks.nonsense_requests import Requests
from attacks.place import RABBITMQ, Place
from attacks.raw_http import exchange, request
from attacks.site_map import routes_of
from bench.people import Person
from mqtt_acl.http_auth import door_path

Door = Callable[[Place, Nonsense], Iterator[str]]

# Until a WebSocket is one, mosquitto 2.0.11 looks at it when something else happens, or each 0.1 s:
# a handshake waits for up to 0.2 s, and costs 0.05 ms.
_MANY = 50
# Each process of the site looks at two passwords at a time, and sends away who would wait for long.
_FEW = 2
_AT_ONCE = 50
_WITHIN_SECONDS = 10.0
# RabbitMQ asks the site for each topic that is new.
_TAKEN_WITHIN_SECONDS = 60.0
# Answers that nothing should get.
_WRONG = ("5", "allow", "no answer")
# Of each question, the fields that its answer goes by.
_GOES_BY = {
    "vhost": {"username", "vhost"},
    "resource": {"username", "vhost", "client_id", "resource", "name", "permission"},
    "topic": {
        *("username", "vhost", "variable_map.client_id", "name", "permission", "routing_key")
    },
}


def fuzz(place: Place, pair: Pair, inputs: int) -> Iterator[Flood]:
    """So many at each door that there is."""
    people = [place.new_device(place.newcomer()) for _ in range(min(_MANY, -(-inputs // _AT_ONCE)))]
    for name, door in _doors(place).items():
        yield _at_door(name, door, place, pair, people, inputs)


def _doors(place: Place) -> Mapping[str, Door]:
    doors: dict[str, Door] = {
        "topics and payloads": _publish,
        "packets by TCP": _packets,
        "frames by WebSocket": _frames,
        "requests with a device's secret": _requests_of_a_device,
        "requests with a cookie": _requests_of_a_browser,
    }
    if place.broker == RABBITMQ:
        doors["broker's questions"] = _questions
    return doors


def _at_door(
    name: str, door: Door, place: Place, pair: Pair, people: Sequence[Person], inputs: int
) -> Flood:
    flood = Flood(f"nonsense: {name}", place.broker)
    before = place.memory_bytes()
    answers: Counter[str] = Counter()
    began = time.monotonic()
    with flood.noting_failures():
        with pair.chatting() as chatted:
            answers = _side_by_side(door, place, people, inputs)
        flood.note_kept(chatted)
        place.check_well()
    seconds = time.monotonic() - began
    flood.numbers["inputs"] = f"{answers.total():,} in {seconds:.0f} s"
    flood.numbers["answers"] = ", ".join(f"{n:,} × {what}" for what, n in answers.most_common(16))
    flood.note_memory(before, place.memory_bytes())
    if wrong := [each for each in answers if each.startswith(_WRONG)]:
        flood.wrong += [f"{answers[each]} were answered with {each}." for each in wrong]
    return flood


def _side_by_side(door: Door, place: Place, people: Sequence[Person], inputs: int) -> Counter[str]:
    """By all of them at one time, each with a seed and a share of its own, until one has failed."""
    people = people[:_FEW] if door in _ASKING else people
    is_over = Event()

    def share(number: int) -> Counter[str]:
        answers = door(place, Nonsense(number, people[number]))
        own = islice(answers, len(range(number, inputs, len(people))))
        return Counter(takewhile(lambda _: not is_over.is_set(), own))

    with ThreadPoolExecutor(len(people)) as pool:
        try:
            return sum(pool.map(share, range(len(people))), Counter())
        finally:
            is_over.set()


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
        answer = mallory.wait_for(PUBACK, seconds=_TAKEN_WITHIN_SECONDS)
        found.append(_word_for(answer))
        if answer.is_cut_off:
            break
    return found


def _word_for(answer: Answer) -> str:
    return "cut off" if answer.is_cut_off else str(answer)


def _packets(place: Place, nonsense: Nonsense) -> Iterator[str]:
    """A connection for each; half of them come in first."""
    while True:
        with place.mqtt() as mallory:
            yield _said_to(nonsense.packet(), mallory, nonsense)


def _frames(place: Place, nonsense: Nonsense) -> Iterator[str]:
    """A WebSocket for each, or what is nearly the handshake of one."""
    while True:
        if nonsense.chance.random() < 0.1:
            hello = nonsense.mutated(upgrade_request(place.websocket_port))
            said = exchange(place.websocket_port, hello, seconds=_WITHIN_SECONDS, is_all=True)
            yield f"handshake: {said.status or 'cut off'}"
        else:
            with place.mqtt(websocket=True) as mallory:
                yield _said_to(nonsense.frame(), mallory, nonsense)


def _said_to(data: bytes, mallory: Mqtt, nonsense: Nonsense) -> str:
    if nonsense.chance.random() < 0.5:
        mallory.open(nonsense.person)
    mallory.send_bytes(data)
    mallory.end_sending()
    said = mallory.everything(seconds=_WITHIN_SECONDS)
    return "answered and cut off" if said else "cut off" if mallory.is_over else "kept open"


def _requests_of_a_device(place: Place, nonsense: Nonsense) -> Iterator[str]:
    while True:
        person = place.new_device(place.newcomer())
        words = base64.b64encode(f"{person.user_name}:{person.password}".encode()).decode()
        yield from _requests(place, nonsense, {"Authorization": f"Basic {words}"})


def _requests_of_a_browser(place: Place, nonsense: Nonsense) -> Iterator[str]:
    while True:
        browser = Browser(place).logged_in(place.newcomer())
        browser.write("POST", "/api/v1/devices", {"name": "Browser", "kind": "browser"})
        headers = {"Cookie": f"{COOKIE}={browser.cookie}"}
        yield from _requests(place, nonsense, headers, browser.token)


def _requests(
    place: Place, nonsense: Nonsense, headers: Mapping[str, str], token: str = ""
) -> Iterator[str]:
    """Until it has deleted its account, or logged itself out."""
    requests, is_in = Requests(nonsense, routes_of(place), headers, token), True
    while is_in:
        for _ in range(_AT_ONCE):
            answers = exchange(
                place.http_port, requests.request(), seconds=_WITHIN_SECONDS, is_all=True
            )
            place.loot.add(answers.raw)
            last = [each for each in answers.statuses if each != httpx.codes.CONTINUE]
            yield str(last[0]) if last else "cut off"
        asked = request("GET", "/api/v1/accounts/me", headers=headers)
        is_in = exchange(place.http_port, asked).status == httpx.codes.OK


def _questions(place: Place, nonsense: Nonsense) -> Iterator[str]:
    """By somebody who has got hold of the word, and of no password."""
    with httpx.Client(base_url=f"{url_of(place)}{door_path(place.secrets)}", timeout=30) as client:
        while True:
            asked, wrong = nonsense.question()
            kind = nonsense.chance.choice(("user", *_GOES_BY, "x"))
            answer = client.post(f"/{kind}", data=asked).text.partition(";")[0][:40]
            is_right = kind in _GOES_BY and wrong.isdisjoint(_GOES_BY[kind])
            yield "known" if is_right and answer == "allow" else answer


_ASKING = (_requests_of_a_device, _requests_of_a_browser)
