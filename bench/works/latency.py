"""How long a message takes from its sender to the other, at steady rates: ten pairs write in turn,
each when its time has come, whether or not the one before has arrived."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from bench.figures import Measured
from bench.load import paced
from bench.scale import Scale
from bench.stored import settle
from bench.systems import MOSQUITTO, Katydid, System, Systems
from bench.timings import milliseconds, quantiles
from bench.works import Measure

_PAIRS = 10
_WARM_SECONDS, _WARM_PER_SECOND = 0.25, 200


def prepare(systems: Systems, scale: Scale, _ended: ExitStack) -> Mapping[str, Measure]:
    """By system, for each rate."""
    measures: dict[str, Measure] = {}
    for name in (MOSQUITTO, *systems.databases):
        system = systems.named(name)
        _seconds(system, _WARM_PER_SECOND, _WARM_SECONDS, scale.receive_qos)
        measures[name] = partial(_measure, system, scale)
    return measures


def _measure(system: System, scale: Scale) -> list[Measured]:
    return [
        milliseconds(f"delivery, {quantile}", seconds, over="messages a second", at=rate)
        for rate in scale.rates
        for quantile, seconds in quantiles(
            _seconds(system, rate, scale.seconds_a_rate, scale.receive_qos)
        ).items()
    ]


def _seconds(system: System, rate: float, seconds: float, receive_qos: int) -> list[float]:
    number = round(rate * seconds)
    arrived = paced(
        system.pairs(_PAIRS),
        per_second=rate,
        is_enough=lambda sent: sent >= number,
        receive_qos=receive_qos,
    )
    if isinstance(system, Katydid):
        settle(system.database)  # what the next rate is not to wait for
    return [each.seconds for each in arrived]
