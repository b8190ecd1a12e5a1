"""How long the chat page takes in a real Chromium until its newest message is shown, at a first
visit and at a second one, and how many bytes of scripts and styles come by the network."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import count

from bench.browsing import Reader, chromium, readers
from bench.figures import Measured
from bench.page import converse
from bench.people import PASSWORD, register
from bench.scale import Scale
from bench.systems import CLUSTER, Systems
from bench.works import Measure

_numbers = count()


def prepare(systems: Systems, scale: Scale, ended: ExitStack) -> Mapping[str, Measure]:
    """By database. Raises ChromiumMissing."""
    browser = ended.enter_context(chromium())
    measures: dict[str, Measure] = {}
    for system in systems.katydids():
        if system.name == CLUSTER:
            continue
        names = f"reader-{next(_numbers)}", f"writer-{next(_numbers)}"
        for name in names:
            register(system.installation.url, name)
        converse(system.installation, *names, scale.archives[0])
        make = readers(browser, system.installation.url, names[0], PASSWORD)
        measures[system.name] = partial(_measure, make, names[1])
    return measures


def _measure(make: Callable[[], Reader], peer: str) -> list[Measured]:
    reader = make()
    visits = {"first": reader.visit(peer), "second": reader.visit(peer)}
    reader.close()
    return [
        figure
        for which, visit in visits.items()
        for figure in (
            Measured(
                name=f"{which} visit, message shown",
                value=visit.first_message_milliseconds,
                unit="ms",
            ),
            Measured(
                name=f"{which} visit, scripts and styles",
                value=visit.transferred_bytes / 1000,
                unit="kB",
            ),
        )
    ]
