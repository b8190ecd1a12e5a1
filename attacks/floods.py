"""Much of what is allowed, or nearly so, at one time, while a pair chats on: connections that never
become anything, and messages far beyond the limit."""

import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Self

import httpx

from attacks.chatting import Pair
from attacks.figures import Flood
from attacks.mqtt import SUBACK, connect_packet, publish_packet, subscribe_packet, upgrade_request
from attacks.place import MALLORY, Place
from chat.topics import up

_QUIET_SECONDS = 8.0
_REQUESTS = 20
_REQUEST_WITHIN_SECONDS = 20.0
_TIMES_THE_LIMIT = 10
_FLOODERS = 50
_SILENT_SECONDS = 3.0
# Attackers compute elsewhere; one that never slept here would take a core from who is attacked.
_TICK_SECONDS = 0.01


def connections(place: Place, pair: Pair, number: int) -> Flood:
    """So many that are half-open or slow, of each kind as many, held for a while."""
    flood = Flood(f"{number:,} slow connections", place.broker)
    with flood.noting_failures():
        _hold_connections(place, pair, number, flood)
        place.check_well()
    return flood


def _hold_connections(place: Place, pair: Pair, number: int, flood: Flood) -> None:
    before = place.memory_bytes()
    quiet_page = _page_ms(place)
    with pair.chatting() as quiet:
        time.sleep(_QUIET_SECONDS)
    with ExitStack() as ended:
        held = [_begun(kind, place, ended) for _ in range(number // 6) for kind in range(6)]
        sockets = [each for each in held if each is not None]
        flood.numbers["open at one time"] = len(sockets)
        flood.numbers["page in ms, quiet"] = quiet_page
        with pair.chatting() as during:
            flood.numbers["page in ms, meanwhile"] = _page_ms(place)
            _drip(sockets, _QUIET_SECONDS)
        flood.note_memory(before, place.memory_bytes())
        flood.numbers["newcomer's CONNECT in ms, meanwhile"] = _connect_ms(place)
    if flood.numbers["page in ms, meanwhile"] is None:
        flood.wrong.append(f"no page came within {_REQUEST_WITHIN_SECONDS:.0f} s.")
    flood.note_chat(quiet, during)


def _begun(kind: int, place: Place, ended: ExitStack) -> socket.socket | None:
    """A connection of that kind that waits for its end; None where it was not taken."""
    upgrade = upgrade_request(place.websocket_port)
    hello = connect_packet(b"x", b"x", b"x")
    port, data = (
        (place.http_port, b""),
        (place.http_port, b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
        (place.http_port, b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\na"),
        (place.mqtt_port, b""),
        (place.mqtt_port, hello[:9]),
        (place.websocket_port, upgrade[:60]),
    )[kind]
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=2)
        ended.callback(connection.close)
        connection.sendall(data)
    except OSError:
        return None
    connection.setblocking(False)
    return connection


def _drip(sockets: Sequence[socket.socket], seconds: float) -> None:
    """A byte of each now and then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for each in sockets[1::6]:  # the headers
            with suppress(OSError):
                each.send(b"x")
        time.sleep(0.5)


def _page_ms(place: Place) -> float | None:
    """The median of some requests, each on a connection of its own; None when one never came."""
    found = []
    for _ in range(_REQUESTS):
        began = time.monotonic()
        try:
            httpx.get(f"{place.url}/login", timeout=_REQUEST_WITHIN_SECONDS, verify=False)  # noqa: S501
        except httpx.HTTPError:
            return None
        found.append(1000 * (time.monotonic() - began))
    return round(statistics.median(found), 1)


def _connect_ms(place: Place) -> float:
    began = time.monotonic()
    with place.mqtt().open(place.mallory):
        return round(1000 * (time.monotonic() - began), 1)


def messages(place: Place, pair: Pair, seconds: float) -> Flood:
    """Fifty accounts, each ten times as fast as it may be. The place has the limits that everybody
    has."""
    flood = Flood(f"{_FLOODERS} accounts at {_TIMES_THE_LIMIT} times the limit", place.broker)
    with flood.noting_failures():
        _send_too_much(place, pair, seconds, flood)
        place.check_well()
    return flood


def _send_too_much(place: Place, pair: Pair, seconds: float, flood: Flood) -> None:
    before = place.memory_bytes()
    with pair.chatting() as quiet:
        time.sleep(_QUIET_SECONDS)
    with ExitStack() as ended:
        flooders = [ended.enter_context(_Flooder(place)) for _ in range(_FLOODERS)]
        with pair.chatting() as during:
            used = place.cpu_seconds()
            sent = _flood(flooders, place.settings.rate_per_second * _TIMES_THE_LIMIT, seconds)
            flood.note_memory(before, place.memory_bytes())
            _until_silent(flooders)
            flood.note_cpu(used, place.cpu_seconds())
    archived = place.count("SELECT count(*) FROM message WHERE body LIKE 'flood %'")
    limited = sum(each.told_to_be_slower for each in flooders)
    unheard = sent - archived - limited
    flood.numbers["sent"] = f"{sent:,}, which is {sent / seconds:,.0f} a second"
    flood.numbers["archived, rate-limited, without a word"] = (
        f"{archived:,}, {limited:,}, {unheard:,}"
    )
    flood.note_chat(quiet, during)
    if unheard:
        flood.wrong.append(f"{unheard} messages were dropped without a word.")
    if not limited:
        flood.wrong.append("nobody was told to be slower.")


class _Flooder:
    """An account that writes to another one like it, and hears what comes of that."""

    def __init__(self, place: Place) -> None:
        self._person = place.new_device(place.newcomer())
        self._connection = place.mqtt().open(self._person)
        own = self._person.receive_filter.encode()
        self._connection.ask(subscribe_packet(own, options=0), SUBACK)
        self._topic = up(self._person.account, MALLORY, "send").encode()
        self._sent = 0
        self._heard = bytearray()

    def send(self, number: int) -> None:
        """So many more."""
        said = range(self._sent, self._sent + number)
        packets = (
            publish_packet(self._topic, f"flood {each}".encode(), packet_id=each % 60_000 + 1)
            for each in said
        )
        self._connection.send(b"".join(packets))
        self._sent += number

    def take(self) -> bool:
        """Whether anything has come."""
        self._connection.socket.setblocking(False)
        try:
            came = self._connection.socket.recv(1 << 18)
        except BlockingIOError:
            return False
        finally:
            self._connection.socket.setblocking(True)
        self._heard += came
        return bool(came)

    @property
    def told_to_be_slower(self) -> int:
        return self._heard.count(b'"reason":"rate-limited"')

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _flood(flooders: Sequence[_Flooder], per_second: float, seconds: float) -> int:
    """How many were sent, by all together."""
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        more = int(passed * per_second) - sent
        for each in flooders:
            each.send(more)
            each.take()
        sent += more
        time.sleep(_TICK_SECONDS)
    return sent * len(flooders)


def _until_silent(flooders: Sequence[_Flooder]) -> None:
    heard_at = time.monotonic()
    while time.monotonic() < heard_at + _SILENT_SECONDS:
        if sum(each.take() for each in flooders):
            heard_at = time.monotonic()
        time.sleep(0.01)
