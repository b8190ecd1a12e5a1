"""Which fault comes when: made from a seed before the run, so that a run can be repeated.

Pure. Every kind of fault comes to every target it fits before any comes a second time, in an order
and for times that the seed decides; two may overlap, but never at the same target.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

KILL, FREEZE, CUT, SILENCE, DELAY, FILL = "kill", "freeze", "cut", "silence", "delay", "fill"

# From the end of one fault's beginning to the next, and how long each lasts. A part is frozen, and
# a network silent, for longer than those who wait for it do (a lease of a bridge: 5 s) or not.
_PAUSE_SECONDS = (1.5, 6.0)
_LASTS_SECONDS: Mapping[str, tuple[float, float]] = {
    KILL: (0.0, 0.0),
    FREEZE: (1.0, 12.0),
    CUT: (0.5, 8.0),
    SILENCE: (1.0, 12.0),
    DELAY: (2.0, 10.0),
    FILL: (3.0, 8.0),
}
# The first comes when everybody has begun, and the last is over before the end.
_FIRST_AT_SECONDS = 1.5


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a target, so many seconds after the beginning, for so long. `kind` is one of
    the words above; a kill takes no time, as what was killed is started again by its supervisor."""

    at_seconds: float
    kind: str
    target: str
    lasts_seconds: float

    def __str__(self) -> str:
        lasting = f" for {self.lasts_seconds:.1f} s" if self.lasts_seconds else ""
        return f"{self.at_seconds:6.1f} s  {self.kind:7}  {self.target}{lasting}"


def schedule(
    seed: int, *, seconds: float, possible: Mapping[str, Sequence[str]]
) -> Sequence[Fault]:
    """The faults of a run, in the order of their time; `possible` has the targets of each kind.
    The same for the same arguments, on every machine."""
    chance = random.Random(seed)  # noqa: S311  no secret is made of it
    pairs = [(kind, target) for kind in sorted(possible) for target in sorted(possible[kind])]
    choices = _again_and_again(chance, pairs)
    busy_until: dict[str, float] = {}
    faults: list[Fault] = []
    at = _FIRST_AT_SECONDS
    while pairs and at < seconds:
        kind, target = next(choices)
        lasts = chance.uniform(*_LASTS_SECONDS[kind])
        if busy_until.get(target, 0.0) <= at and at + lasts <= seconds:
            faults.append(
                Fault(
                    at_seconds=round(at, 2),
                    kind=kind,
                    target=target,
                    lasts_seconds=round(lasts, 2),
                )
            )
            busy_until[target] = at + lasts
        at += chance.uniform(*_PAUSE_SECONDS)
    return faults


def _again_and_again(
    chance: random.Random, choices: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """All of them in an order of chance, and then all of them in another."""
    while True:
        yield from chance.sample(choices, len(choices))
