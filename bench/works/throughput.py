"""How many messages a second, and what they cost: pairs who write as fast as they are answered,
each with 50 messages on their way, and beside them the bare broker and bare inserts. What SQL lacks
or has twice is counted after each run."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from msgspec.structs import replace

from bench.figures import Measured
from bench.load import Outcome, exchange
from bench.rows import Rows, rows
from bench.scale import Scale
from bench.stored import lost_and_doubled, settle, wrong
from bench.systems import (
    MOSQUITTO,
    POSTGRESQL,
    ROWS_POSTGRESQL,
    ROWS_SQLITE,
    SQLITE,
    Katydid,
    System,
    Systems,
    cpu,
)
from bench.works import Measure

_WINDOW = 50
# Those that messages keep busy, on one machine or in a cluster; the site makes the index of texts.
_KINDS = ("bridge", "broker", "rabbitmq", "haproxy", "postgres", "web")
_ROWS = {SQLITE: ROWS_SQLITE, POSTGRESQL: ROWS_POSTGRESQL}


def prepare(systems: Systems, scale: Scale, ended: ExitStack) -> Mapping[str, Measure]:
    """By system, for each number of pairs."""
    measures: dict[str, Measure] = {}
    for name in (MOSQUITTO, *systems.databases):
        system = systems.named(name)
        exchange(system.pairs(10), each=50, window=_WINDOW)  # caches, and conversations begun
        measures[name] = partial(_measure, system, scale)
        if limit := _ROWS.get(name):
            inserted = ended.enter_context(rows(name))
            measures[limit] = partial(_measure_rows, inserted, scale)
    return measures


def _measure(system: System, scale: Scale) -> list[Measured]:
    return [figure for pairs in scale.pairs for figure in _measure_pairs(system, pairs, scale)]


def _measure_pairs(system: System, pairs: int, scale: Scale) -> list[Measured]:
    before = cpu(system)
    outcome = exchange(
        system.pairs(pairs),
        each=scale.messages // pairs,
        window=_WINDOW,
        receive_qos=scale.receive_qos,
    )
    used = {kind: seconds - before.get(kind, 0.0) for kind, seconds in cpu(system).items()}
    costs = {
        "CPU of all server processes": sum(used.values()),
        **{f"CPU of {kind}": used[kind] for kind in _KINDS if kind in used},
        "CPU of the load client": outcome.client_cpu_seconds,
    }
    prefix = f"{pairs} pairs: "
    return [
        Measured(name=f"{prefix}messages", value=outcome.per_second, unit="/s", better="higher"),
        *(
            Measured(
                name=prefix + name, value=seconds / outcome.sent * 1000, unit="s/1,000 messages"
            )
            for name, seconds in costs.items()
        ),
        *_wrong(prefix, system, outcome),
    ]


def _wrong(prefix: str, system: System, outcome: Outcome) -> list[Measured]:
    sent, delivered = outcome.sent, outcome.delivered
    if isinstance(system, Katydid):
        found = wrong(system.database, outcome.run, sent=sent, delivered=delivered)
        settle(system.database)
    else:
        found = lost_and_doubled(lost=sent - delivered, doubled=delivered - sent)
    return [replace(each, name=prefix + each.name) for each in found]


def _measure_rows(inserted: Rows, scale: Scale) -> list[Measured]:
    per_second, cpu_seconds = inserted.insert(scale.messages)
    return [
        figure
        for pairs in scale.pairs
        for figure in (
            Measured(name=f"{pairs} pairs: messages", value=per_second, unit="/s", better="higher"),
            Measured(
                name=f"{pairs} pairs: CPU of all server processes",
                value=cpu_seconds / scale.messages * 1000,
                unit="s/1,000 messages",
            ),
        )
    ]
