"""A load for a broker's door: devices that connect, are let in by their credential, subscribe or
not, and leave, as fast as they are answered, so many at one time."""

import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from bench.people import Person
from bench.wire import Refused, Wire, connect_packet

_ANSWER_WITHIN_SECONDS = 60.0
_READ_BYTES = 1 << 12
_CONNACK, _REASON_AT, _FAILED = 0x20, 3, 0x80  # MQTT 5.0, section 3.2
_SUBACK = b"\x90"

_Step = Callable[[select.epoll], bool]


@dataclass(frozen=True, kw_only=True)
class Connects:
    """How many were let in, and what that took."""

    number: int
    seconds: float
    client_cpu_seconds: float


def connect_again_and_again(
    people: Sequence[Person], *, at_once: int, seconds: float, subscribes: bool
) -> Connects:
    """One after the other, of whom there must be more than connect at one time. Raises Refused,
    and TimeoutError."""
    number, turn = 0, cycle(people)
    coming: dict[int, _Coming] = {}
    started, cpu = time.perf_counter(), time.process_time()
    try:
        with select.epoll() as poll:
            for _ in range(at_once):
                _begin(next(turn), coming, poll, subscribes=subscribes)
            while (spent := time.perf_counter() - started) < seconds:
                if not (events := poll.poll(_ANSWER_WITHIN_SECONDS)):
                    raise TimeoutError("nobody is let in any more")
                for file, _ in events:
                    if coming[file].go_on(poll):
                        coming.pop(file).wire.close()
                        number += 1
                        _begin(next(turn), coming, poll, subscribes=subscribes)
    finally:
        for one in coming.values():
            one.wire.close()
    own = time.process_time() - cpu
    return Connects(number=number, seconds=spent, client_cpu_seconds=own)


class _Coming:
    """One who is on the way in."""

    def __init__(self, person: Person, *, subscribes: bool) -> None:
        self.wire = Wire(person)
        self.wire.socket.setblocking(False)
        self.wire.socket.connect_ex((person.host, person.port))
        self._steps = self._all_steps(subscribes=subscribes)

    def go_on(self, poll: select.epoll) -> bool:
        """A step further, now that something has happened; whether it was the last. Raises
        Refused."""
        return next(self._steps)(poll)

    def _all_steps(self, *, subscribes: bool) -> Iterator[_Step]:
        yield self._connect
        if subscribes:
            yield self._subscribe
            while True:  # news of others come when they will
                yield self._hear_subscribed
        yield self._hear_let_in

    def _connect(self, poll: select.epoll) -> bool:
        if error := self.wire.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, "the broker cannot be reached")
        self.wire.send(connect_packet(self.wire.person))
        poll.modify(self.wire, select.EPOLLIN)
        return False

    def _hear_let_in(self, _poll: select.epoll) -> bool:
        answer = self.wire.socket.recv(_READ_BYTES)
        if len(answer) <= _REASON_AT or answer[0] != _CONNACK or answer[_REASON_AT] >= _FAILED:
            raise Refused(f"{self.wire.person.user_name} was answered {answer!r}")
        return True

    def _subscribe(self, poll: select.epoll) -> bool:
        self._hear_let_in(poll)
        self.wire.send(self.wire.subscribe_packet())
        return False

    def _hear_subscribed(self, _poll: select.epoll) -> bool:
        # Not taken apart: the subscriptions of idle connections are, and these are the same.
        return self.wire.socket.recv(_READ_BYTES)[:1] == _SUBACK


def _begin(
    person: Person, coming: dict[int, _Coming], poll: select.epoll, *, subscribes: bool
) -> None:
    one = _Coming(person, subscribes=subscribes)
    coming[one.wire.fileno()] = one
    poll.register(one.wire, select.EPOLLOUT)
