"""`/healthz`: which parts of the installation are ready, for who or what looks after it."""

from flask import Response
from msgspec import UNSET, Struct, UnsetType

from web.answers import as_json
from web.contract.operations import Callers, operation
from web.parts import parts


class PartHealth(Struct, frozen=True):
    """Whether a part is ready, and if not, why."""

    ready: bool
    problem: str | UnsetType = UNSET


class Health(Struct, frozen=True):
    """Whether all is ready, and each part: `sql`, `broker`, `bridge`."""

    ready: bool
    parts: dict[str, PartHealth]


@operation(
    "Whether SQL, broker and bridge are ready",
    answers={200: Health, 503: Health},
    callers=Callers.ANYBODY,
)
def healthz() -> Response:
    """200 when SQL, broker and bridge are ready, else 503 and what is wrong; within 2 s."""
    problems = parts().health.problems()
    ready = not any(problems.values())
    described = {
        part: PartHealth(True) if problem is None else PartHealth(False, problem)
        for part, problem in problems.items()
    }
    return as_json(Health(ready, described), 200 if ready else 503)
