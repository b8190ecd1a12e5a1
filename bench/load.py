"""Loads: pairs of people of whom the first writes to the second, as fast as they are answered, at a
steady rate, or without waiting for an answer.

Who writes hears its own message as the other does, so every message is delivered to two: that comes
back and is what "answered" means, with Katydid as with a bare broker. All of it is one thread on
bare sockets (`wire.py`); what it costs itself is reported beside the rest.
"""

import random
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from bench.people import Person
from bench.wire import Wire
from bridge.framing import publish_packet
from chat.errors import KatydidError

Pairs = Sequence[tuple[Person, Person]]

# Sixty characters each, of words.
TEXTS = [
    text.ljust(60, ".")[:60]
    for text in (
        "The last tram leaves at half past eleven, do not wait for me",
        "Have you heard the katydids tonight? They answer each other.",
        "I left the keys with the neighbour below, second bell please",
        "Rain all afternoon here, and the river is up to the old mark",
        "Send me the list again when you can, the first page is blank",
        "We could meet at the station, under the clock, around seven?",
        "My sister says the bread is better at the other shop, by far",
    )
]
_ANSWER_WITHIN_SECONDS = 30.0
# Of what mosquitto lets one client have on its way; ours and the default of others.
_LEFT_AT_ONCE = 500
_ID_BEGINS = b'"id":"'
_LIKE_A_BROWSERS = 32  # characters of an id
_runs = count(int(time.time() * 1000) % 10_000_000)


class Silent(KatydidError):
    """Nothing came back for long."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a load saw. `answered` counts what came back to who wrote it, `delivered` what reached
    the other; `seconds` run until both have everything. Each message's id holds `-{run}-`."""

    run: int
    sent: int
    answered: int
    delivered: int
    seconds: float
    client_cpu_seconds: float
    client_bytes: int

    @property
    def per_second(self) -> float:
        """Messages archived, and heard of at both ends, a second."""
        return self.answered / self.seconds


@dataclass(frozen=True)
class Arrival:
    """A message that reached the other: which one it was, and how long it took."""

    number: int
    seconds: float


def exchange(pairs: Pairs, *, each: int, window: int, receive_qos: int = 0) -> Outcome:
    """In each pair, the first sends `each` messages, at most `window` of them on their way at one
    time. Raises Silent."""
    run, copies = next(_runs), 2 * len(pairs) * each
    with _opened(pairs, receive_qos) as (wires, poll):
        sending = {wire.fileno(): _Sending(wire, other, run, each) for wire, other in wires}
        receiving = {other.fileno(): other for _, other in wires}
        delivered = answered = 0
        started, cpu = time.perf_counter(), time.process_time()
        for one in sending.values():
            one.go_on(window)
        while delivered + answered < copies:
            if not (events := poll.poll(_ANSWER_WITHIN_SECONDS)):
                raise Silent(f"{copies - delivered - answered} of {copies} copies did not come.")
            for file, _ in events:
                if file in receiving:
                    delivered += len(receiving[file].messages())
                else:
                    answered += sending[file].take()
        seconds = time.perf_counter() - started
        client_cpu_seconds = time.process_time() - cpu
        time.sleep(0.3)  # what comes now came twice
        delivered += sum(len(wire.messages()) for wire in receiving.values())
        answered += sum(one.take() for one in sending.values())
        return Outcome(
            run=run,
            sent=len(pairs) * each,
            answered=answered,
            delivered=delivered,
            seconds=seconds,
            client_cpu_seconds=client_cpu_seconds,
            client_bytes=sum(w.sent_bytes + w.received_bytes for pair in wires for w in pair),
        )


def leave(pairs: Pairs, *, each: int) -> int:
    """In each pair, the first sends `each` messages that nobody takes from the broker yet; returns
    when the broker has all of them. Answers the run. Raises Silent."""
    run = next(_runs)
    with _opened([(one, one) for one, _ in pairs], receive_qos=0) as (wires, poll):
        sending = {
            wire.fileno(): _Leaving(wire, other, run, each)
            for (wire, _), (_, other) in zip(wires, pairs, strict=True)
        }
        while not all(one.is_done for one in sending.values()):
            if not (events := poll.poll(_ANSWER_WITHIN_SECONDS)):
                raise Silent("the broker took no more messages.")
            for file, _ in events:
                if file in sending:
                    sending[file].go_on()
    return run


def paced(
    pairs: Pairs,
    *,
    per_second: float,
    is_enough: Callable[[int], bool],
    receive_qos: int = 0,
) -> list[Arrival]:
    """So many messages a second, by each pair in turn, each when its time has come, whether or not
    the one before has arrived; until it is enough, given how many were sent. In the order in which
    they arrived. Raises Silent."""
    run = next(_runs)
    with _opened(pairs, receive_qos) as (wires, _):
        makers = [_Packets(wire, other.person.account, run) for wire, other in wires]
        receiving = {other for _, other in wires}
        everyone = [wire for pair in wires for wire in pair]
        sent_at: list[float] = []
        arrived: list[Arrival] = []
        began = heard_at = time.perf_counter()
        has_sent_all = False
        while not (has_sent_all and len(arrived) >= len(sent_at)):
            now = time.perf_counter()
            if now - heard_at > _ANSWER_WITHIN_SECONDS:
                raise Silent(f"{len(sent_at) - len(arrived)} of {len(sent_at)} did not come.")
            has_sent_all = has_sent_all or is_enough(len(sent_at))
            due = began + len(sent_at) / per_second
            if not has_sent_all and now >= due:
                place = len(sent_at) % len(wires)
                packet = makers[place].packet(len(sent_at))
                sent_at.append(time.perf_counter())
                wires[place][0].send(packet)
                continue
            # As select(2), which waits for microseconds where epoll waits for milliseconds.
            for wire in select.select(everyone, (), (), 1.0 if has_sent_all else due - now)[0]:
                numbers = [_number_of(message) for message in wire.messages()]
                heard_at = time.perf_counter()
                if wire in receiving:
                    arrived += [Arrival(each, heard_at - sent_at[each]) for each in numbers]
        return arrived


class _Packets:
    """Makes one sender's packets. Ids are as long as a browser's, and as random where they begin,
    for that is what an index has to bear."""

    def __init__(self, wire: Wire, to: str, run: int) -> None:
        self._topic = wire.person.send_topic.replace("{to}", to).encode()
        self._run = run
        self._chance = random.Random(f"{run} {to}")  # noqa: S311  no secret is made of it

    def packet(self, number: int) -> bytes:
        end = f"-{self._run}-{number}"
        begin = f"{self._chance.getrandbits(128):032x}"[: _LIKE_A_BROWSERS - len(end)]
        payload = f'{{"id":"{begin}{end}","text":"{TEXTS[number % len(TEXTS)]}"}}'
        return publish_packet(self._topic, number % 0xFFFF + 1, payload.encode())


class _Sending:
    """One who writes: what is left to be sent."""

    def __init__(self, wire: Wire, other: Wire, run: int, each: int) -> None:
        packets = _Packets(wire, other.person.account, run)
        self._wire = wire
        self._packets = [packets.packet(number) for number in range(each)]
        self._sent = 0

    def go_on(self, number: int) -> None:
        """Send so many more, as far as there are."""
        self._wire.send(b"".join(self._packets[self._sent : self._sent + number]))
        self._sent += number

    def take(self) -> int:
        """What has come back makes room for as much; how much it was."""
        number = len(self._wire.messages())
        self.go_on(number)
        return number


class _Leaving:
    """One who writes as fast as the broker takes it."""

    def __init__(self, wire: Wire, other: Person, run: int, each: int) -> None:
        self._packets = _Packets(wire, other.account, run)
        self._wire = wire
        self._each = each
        self._sent = 0
        self.go_on()

    @property
    def is_done(self) -> bool:
        return self._wire.acknowledged >= self._each

    def go_on(self) -> None:
        self._wire.messages()
        last = min(self._each, self._wire.acknowledged + _LEFT_AT_ONCE)
        more = [self._packets.packet(number) for number in range(self._sent, last)]
        self._wire.send(b"".join(more))
        self._sent = max(self._sent, last)


@contextmanager
def _opened(
    pairs: Pairs, receive_qos: int
) -> Iterator[tuple[list[tuple[Wire, Wire]], select.epoll]]:
    """A connection for each; one who is in a pair with itself has one."""
    wires: list[tuple[Wire, Wire]] = []
    try:
        with select.epoll() as poll:
            for one, other in pairs:
                first = Wire(one, receive_qos=receive_qos)
                second = first if other is one else Wire(other, receive_qos=receive_qos)
                wires.append((first, second))
                for wire in {first, second}:
                    wire.open()
                    poll.register(wire, select.EPOLLIN)
            yield wires, poll
    finally:
        for both in wires:
            for wire in both:
                wire.close()


def _number_of(message: bytes) -> int:
    """The last part of its id."""
    begins = message.index(_ID_BEGINS) + len(_ID_BEGINS)
    return int(message[begins : message.index(b'"', begins)].rpartition(b"-")[2])
