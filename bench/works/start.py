"""How long `./katydid up` takes until all is ready: in an empty home, where secrets, tables and the
broker's list are made, and again in the same one. The Python packages are installed already."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Measured
from bench.installation import Installation, postgres
from bench.scale import Scale
from bench.systems import CLUSTER, POSTGRESQL, Systems
from bench.works import Measure
from chat.settings import REPOSITORY


def prepare(systems: Systems, _scale: Scale, _ended: ExitStack) -> Mapping[str, Measure]:
    """By database; PostgreSQL runs before, as it does for `up`."""
    return {name: partial(_measure, name) for name in systems.databases if name != CLUSTER}


def _measure(name: str) -> list[Measured]:
    with ExitStack() as ended:
        home = Path(ended.enter_context(TemporaryDirectory(prefix="katydid-bench-")))
        environ = {}
        if name == POSTGRESQL:
            environ["KATYDID_DATABASE_URL"], _ = ended.enter_context(postgres())
        return [
            Measured(name=f"{which} start", value=_seconds(home, environ), unit="s")
            for which in ("first", "second")
        ]


def _seconds(home: Path, environ: dict[str, str]) -> float:
    running = Installation(home, environ, command=[str(REPOSITORY / "katydid"), "up"])
    began = time.perf_counter()
    try:
        running.start()
        running.wait_until_ready()
        return time.perf_counter() - began
    finally:
        running.close()
