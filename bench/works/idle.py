"""What a connection that says nothing costs: the memory of each process, with ever more of them,
each with a credential and a subscription of its own. The kernel's part, the sockets' buffers, is
not in it.

mosquitto takes its list of accounts apart as it starts, and what that leaves free is used for
connections later: its growth alone says too little. So the bare broker, which has no list, is
measured too, and at the largest number what broker and list take together, above one with few.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from bench.bare import bare_mosquitto
from bench.figures import Measured
from bench.installation import wait_until
from bench.people import Person
from bench.processes import memory_bytes, signal_all
from bench.scale import Scale
from bench.systems import CLUSTER, MOSQUITTO, Katydid, Systems
from bench.wire import Wire
from bench.works import Measure
from chat.errors import KatydidError

_KINDS = ("broker", "rabbitmq", "haproxy", "bridge", "web", "postgres")

_Memory = dict[str, int]


def prepare(systems: Systems, scale: Scale, _ended: ExitStack) -> Mapping[str, Measure]:
    """By system."""
    measures: dict[str, Measure] = {MOSQUITTO: partial(_measure_bare, scale)}
    for name in systems.databases:
        system = systems.crowded(name, scale.connections[-1])
        if name == CLUSTER:
            measures[name] = partial(_measure, system, scale)
        else:
            few = systems.crowded(name, scale.accounts[0])
            measures[name] = partial(_measure_anew, system, few, scale)
    return measures


def _measure_bare(scale: Scale) -> list[Measured]:
    with bare_mosquitto() as bare:
        people = [bare.person(number, "a") for number in range(scale.connections[-1])]
        return _grown(people, scale, lambda: {"broker": memory_bytes(bare.pid)})[0]


def _measure_anew(system: Katydid, few: Katydid, scale: Scale) -> list[Measured]:
    """With a broker that has not had connections before."""
    for each in (system, few):
        _start_broker_anew(each)
    with_few = _memory(few)["broker"]
    before = _memory(system)
    found, after = _grown(system.people, scale, lambda: _memory(system))
    number = scale.connections[-1]
    total = sum(after.values()) - sum(before.values()) + before["broker"] - with_few
    with_account = _kilobytes("memory of all server processes, with the account", total, number)
    return [*found, with_account]


def _measure(system: Katydid, scale: Scale) -> list[Measured]:
    return _grown(system.people, scale, lambda: _memory(system))[0]


def _grown(
    people: Sequence[Person], scale: Scale, memory: Callable[[], _Memory]
) -> tuple[list[Measured], _Memory]:
    """By how much each kind of process has grown, and what they have in the end."""
    found = []
    before = after = memory()
    wires: list[Wire] = []
    try:
        for number in scale.connections:
            wires += map(_connected, people[len(wires) : number])
            after = memory()
            grown = {kind: size - before.get(kind, 0) for kind, size in after.items()}
            found.append(_kilobytes("memory of all server processes", sum(grown.values()), number))
            found += [
                _kilobytes(f"memory of {kind}", grown[kind], number)
                for kind in _KINDS
                if kind in grown
            ]
        _check_all_are_there(wires)
    finally:
        for wire in wires:
            wire.close()
    return found, after


def _kilobytes(name: str, size: int, number: int) -> Measured:
    value = size / number / 1000
    unit = "kB a connection"
    return Measured(name=name, value=value, unit=unit, over="connections", at=number)


class CutOff(KatydidError):
    """A connection did not last."""


def _connected(person: Person) -> Wire:
    wire = Wire(person)
    wire.open()
    return wire


def _check_all_are_there(wires: list[Wire]) -> None:
    for wire in wires:
        try:
            wire.messages()
        except OSError:
            raise CutOff("an idle connection was cut off while others came.") from None


def _memory(system: Katydid) -> _Memory:
    return {kind: sum(map(memory_bytes, pids)) for kind, pids in system.processes().items()}


def _start_broker_anew(system: Katydid) -> None:
    """Its supervisor does, when it has ended."""
    before = system.installation.parts["broker"]
    signal_all([before], signal.SIGTERM)
    wait_until(
        "another broker to run",
        lambda: system.installation.parts.get("broker", before) != before,
    )
    system.installation.wait_until_open()
    system.installation.wait_until_ready()
