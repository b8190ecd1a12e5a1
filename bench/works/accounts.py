"""What a newcomer waits for while there are ever more accounts: registration, a device, its first
connection, a login at the page; and for how long the broker stands still when it hears of a device.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import count
from statistics import median

import httpx

from bench.figures import Measured
from bench.people import PASSWORD, add_account, add_device
from bench.pinging import pinging
from bench.scale import Scale
from bench.systems import Katydid, Systems
from bench.timings import milliseconds, quantiles
from bench.wire import Wire
from bench.works import Measure
from chat.errors import KatydidError

_WITHIN_SECONDS = 60
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_numbers = count()


class NotLetIn(KatydidError):
    """Somebody with the right password was not let in."""


class _Clock:
    """How long each step took, by its name; in seconds."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.took.setdefault(name, []).append(time.perf_counter() - began)


def prepare(systems: Systems, scale: Scale, _ended: ExitStack) -> Mapping[str, Measure]:
    """By system; each number of accounts has an installation of its own."""
    measures: dict[str, Measure] = {}
    for name in systems.databases:
        running = {number: systems.crowded(name, number) for number in scale.accounts}
        for each in running.values():
            _come(each, 2)  # every worker has its connections
        measures[name] = partial(_measure, running, scale)
    return measures


def _measure(running: Mapping[int, Katydid], scale: Scale) -> list[Measured]:
    found = []
    for accounts, system in running.items():
        place = partial(milliseconds, over="accounts", at=accounts)
        clock, pauses = _come(system, scale.newcomers)
        for name, took in clock.took.items():
            found += [
                place(f"{name}, {quantile}", seconds)
                for quantile, seconds in quantiles(took).items()
            ]
        found.append(place("the broker's pause for a new device", median(pauses)))
    return found


def _come(system: Katydid, number: int) -> tuple[_Clock, list[float]]:
    """So many newcomers, one after the other, and how long the broker stood still for each."""
    clock = _Clock()
    pauses: list[float] = []
    url = system.installation.url
    with (
        httpx.Client(base_url=url, timeout=_WITHIN_SECONDS) as client,
        pinging(system.people[0]) as asking,
    ):
        for _ in range(number):
            name = f"newcomer-{next(_numbers)}"
            with clock.step("registration"):
                add_account(client, name)
            asking.longest_seconds = 0.0
            with clock.step("a new device"):
                person = add_device(client, name)
            pauses.append(asking.longest_seconds)
            with clock.step("device login"), closing(Wire(person)) as wire:
                wire.open()
            with httpx.Client(base_url=url, timeout=_WITHIN_SECONDS) as browser:
                _log_in(browser, clock, name)
    return clock, pauses


def _log_in(browser: httpx.Client, clock: _Clock, name: str) -> None:
    token = _TOKEN.search(browser.get("/login").text)
    assert token is not None
    form = {"account": name, "password": PASSWORD, "csrf_token": token.group(1)}
    with clock.step("login at the page"):
        answer = browser.post("/login", data=form)
    if answer.status_code != httpx.codes.FOUND:
        raise NotLetIn(f"{name} could not log in: the site answered {answer.status_code}.")
