"""`/metrics`: what all processes of this machine count, as Prometheus reads it."""

import os
from pathlib import Path

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from web.contract.operations import Callers, Content, operation


@operation(
    "What the processes count",
    answers={200: Content("text/plain", "As Prometheus reads it.", {"type": "string"})},
    callers=Callers.ANYBODY,
)
def metrics() -> Response:
    """Web and bridge together where they share a folder, else this process alone."""
    return Response(generate_latest(_counted()), content_type=CONTENT_TYPE_LATEST)


def measured(name: str) -> float | None:
    """One of these figures, of one without labels; None where nobody has counted it."""
    return _counted().get_sample_value(name)


def _counted() -> CollectorRegistry:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return REGISTRY
    _forget_dead_processes(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry


def _forget_dead_processes(folder: Path) -> None:
    """What a process says of the present ends with it; one that was killed could not say so."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _is_alive(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
