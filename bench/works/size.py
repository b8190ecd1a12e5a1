"""How many bytes a message of 60 characters takes: on the wire, once up and twice down, and on the
disk, as rows like the bridge's in a database of their own, with and without the index of texts."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from bench.figures import Measured
from bench.load import exchange
from bench.rows import rows
from bench.scale import Scale
from bench.stored import settle
from bench.systems import CLUSTER, MOSQUITTO, Katydid, System, Systems
from bench.works import Measure

_PAIRS, _WINDOW = 10, 50


def prepare(systems: Systems, scale: Scale, _ended: ExitStack) -> Mapping[str, Measure]:
    """By system."""
    return {
        name: partial(_measure, systems.named(name), scale)
        for name in (MOSQUITTO, *systems.databases)
    }


def _measure(system: System, scale: Scale) -> Sequence[Measured]:
    each = max(scale.stored // _PAIRS // 10, 10)
    outcome = exchange(system.pairs(_PAIRS), each=each, window=_WINDOW)
    on_the_wire = Measured(
        name="a message on the wire", value=outcome.client_bytes / outcome.sent, unit="bytes"
    )
    if not isinstance(system, Katydid):
        return [on_the_wire]
    settle(system.database)
    if system.name == CLUSTER:
        return [on_the_wire]
    return [on_the_wire, *_on_the_disk(system.name, scale.stored)]


def _on_the_disk(dialect: str, number: int) -> list[Measured]:
    with rows(dialect) as inserted:
        empty = inserted.size_bytes()
        inserted.insert(number)
        with_rows = inserted.size_bytes()
        settle(inserted.database)
        with_texts = inserted.size_bytes()
    sizes = {
        "a message and its indexes on the disk": with_rows - empty,
        "the same with the index of texts": with_texts - empty,
    }
    return [Measured(name=name, value=size / number, unit="bytes") for name, size in sizes.items()]
