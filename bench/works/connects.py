"""How many devices a second are let in by their credential, twenty at one time, with a subscription
and without, and what that costs which part; at the bare broker, which asks for none, as well."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from bench.connecting import connect_again_and_again
from bench.figures import Measured
from bench.people import Person
from bench.scale import Scale
from bench.systems import MOSQUITTO, BareSystem, System, Systems, cpu
from bench.works import Measure

_AT_ONCE = 20
_PEOPLE = 100  # more than connect at one time


def prepare(systems: Systems, scale: Scale, _ended: ExitStack) -> Mapping[str, Measure]:
    """By system; which database there is makes no difference to mosquitto."""
    return {
        name: partial(_measure, systems.named(name), scale)
        for name in (MOSQUITTO, *systems.databases)
    }


def _measure(system: System, scale: Scale) -> list[Measured]:
    return [
        figure
        for name, subscribes in (("connects", False), ("connects with a subscription", True))
        for figure in _measure_one(system, name, scale.connecting_seconds, subscribes=subscribes)
    ]


def _measure_one(system: System, name: str, seconds: float, *, subscribes: bool) -> list[Measured]:
    before = cpu(system)
    found = connect_again_and_again(
        _people(system), at_once=_AT_ONCE, seconds=seconds, subscribes=subscribes
    )
    used = {kind: spent - before.get(kind, 0.0) for kind, spent in cpu(system).items()}
    costs = {
        "CPU of all server processes": sum(used.values()),
        **{f"CPU of {kind}": used[kind] for kind in _ASKED if kind in used},
        "CPU of the load client": found.client_cpu_seconds,
    }
    return [
        Measured(name=name, value=found.number / found.seconds, unit="/s", better="higher"),
        *(
            Measured(name=f"{name}: {what}", value=spent / found.number * 1e6, unit="µs each")
            for what, spent in costs.items()
        ),
    ]


# Those that a login keeps busy, at a mosquitto or in a cluster.
_ASKED = ("broker", "rabbitmq", "door", "haproxy", "postgres")


def _people(system: System) -> list[Person]:
    if isinstance(system, BareSystem):
        return [system.bare.person(number, "a") for number in range(_PEOPLE)]
    return list(system.people)[:_PEOPLE]
