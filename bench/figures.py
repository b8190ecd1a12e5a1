"""What a run of `./katydid bench` has found, as its JSON file has it: one `Figure` for each number
of each system, with a value for each round."""

import platform
import subprocess
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from bench.scale import Scale
from chat.errors import KatydidError
from chat.settings import REPOSITORY
from chat.times import now, rfc3339
from cli.terminal import say

# Which fields a file has; another number is not compared with.
VERSION: Literal[1] = 1

Over = Literal["", "accounts", "messages", "connections", "messages a second"]


class CannotRead(KatydidError):
    """The file is not what a run wrote."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One number, measured once. `at` is its place on the curve of all with the same name: `over`
    says of what there are so many."""

    name: str
    value: float
    unit: str
    better: Literal["higher", "lower"] = "lower"
    over: Over = ""
    at: float | None = None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """The same number of all rounds; `values` are in the order of the rounds."""

    work: str
    system: str
    name: str
    unit: str
    better: Literal["higher", "lower"]
    over: Over
    at: float | None
    values: list[float]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def key(self) -> tuple[str, str, str, float | None]:
        """What makes it the same figure as that of another run."""
        return self.work, self.system, self.name, self.at


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run took place."""

    cores: int
    processor: str
    memory_bytes: int
    system: str
    python: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run. `remarks` say what could not be measured, and why."""

    version: Literal[1] = VERSION
    began_at: str
    commit: str
    scale: Scale
    machine: Machine
    load_average: list[float]
    figures: list[Figure]
    remarks: list[str]


def as_json(run: Run) -> bytes:
    """What the file has."""
    return msgspec.json.format(msgspec.json.encode(run)) + b"\n"


def run_from(file: Path) -> Run:
    """What a run wrote. Raises CannotRead."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Run)
    except OSError as error:
        raise CannotRead(f"{file} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise CannotRead(f"{file} is not what ./katydid bench --json writes: {error}.") from None


def this_machine() -> Machine:
    """Where we are; Linux alone."""
    about = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    named = [line.partition(":")[2] for line in about.splitlines() if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text(encoding="ascii").split()
    return Machine(
        cores=about.count("processor\t"),
        processor=named[0].strip() if named else platform.machine(),
        memory_bytes=int(memory[memory.index("MemTotal:") + 1]) * 1024,
        system=platform.freedesktop_os_release().get("PRETTY_NAME", platform.platform()),
        python=platform.python_version(),
    )


def this_commit() -> str:
    """The commit of the code; "" where there is no repository."""
    words = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        say("git is not here, so the file will not say which commit was measured")
        return ""
    return done.stdout.strip()


def this_moment() -> str:
    return rfc3339(now())
