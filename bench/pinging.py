"""Somebody who asks the broker again and again whether it is there, and notes the longest silence:
the time for which it stood still."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from select import select

from bench.people import Person
from bench.wire import PING, Wire

_PAUSE_SECONDS = 0.001
_ANSWER_WITHIN_SECONDS = 30.0


class Pinging:
    """`longest_seconds` is that since it was last put to 0."""

    def __init__(self, person: Person) -> None:
        self.longest_seconds = 0.0
        self._wire = Wire(person)
        self._is_over = threading.Event()

    def run(self) -> None:
        self._wire.open()
        while not self._is_over.is_set():
            began, before = time.perf_counter(), self._wire.pings_answered
            self._wire.send(PING)
            while self._wire.pings_answered == before:
                if not select([self._wire], (), (), _ANSWER_WITHIN_SECONDS)[0]:
                    raise TimeoutError("the broker stands still")
                self._wire.messages()
            self.longest_seconds = max(self.longest_seconds, time.perf_counter() - began)
            time.sleep(_PAUSE_SECONDS)
        self._wire.close()

    def end(self) -> None:
        self._is_over.set()


@contextmanager
def pinging(person: Person) -> Iterator[Pinging]:
    """While it asks, in a thread of its own."""
    asking = Pinging(person)
    thread = threading.Thread(target=asking.run, daemon=True)
    thread.start()
    try:
        yield asking
    finally:
        asking.end()
        thread.join(_ANSWER_WITHIN_SECONDS)
