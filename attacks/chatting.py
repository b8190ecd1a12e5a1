"""An ordinary pair that chats on while others attack, and what became of its texts."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from attacks.place import NotWell, Place
from bench.people import Person
from chat.settings import REPOSITORY

# Less than an account may.
PER_SECOND = 18.0
_ENDS_WITHIN_SECONDS = 60
_ARCHIVED = (
    "SELECT count(*) FROM message JOIN account ON account.id = sender_id WHERE account.name = :name"
)


@dataclass
class Chatted:
    """How long each text took to arrive, in seconds; how many did not come once into the archive
    and once to the other."""

    seconds: Sequence[float] = field(default_factory=list)
    doubled: int = 0
    lost: int = 0

    @property
    def p50_ms(self) -> float:
        return 1000 * statistics.median(self.seconds)

    @property
    def p99_ms(self) -> float:
        return 1000 * statistics.quantiles(self.seconds, n=100)[98]

    @property
    def is_whole(self) -> bool:
        return bool(self.seconds) and not self.doubled and not self.lost


class Pair:
    """Two accounts of their own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._people = [self._new(name) for name in ("carol", "dave")]

    @contextmanager
    def chatting(self) -> Iterator[Chatted]:
        """While they write, from their first text on; what came of it is there after the block.
        Raises NotWell when a text was not heard."""
        before, found = self._archived(), Chatted()
        process = subprocess.Popen(
            [sys.executable, "-m", "attacks.pair"],
            cwd=REPOSITORY,
            env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        role = {"people": [asdict(each) for each in self._people], "per_second": PER_SECOND}
        process.stdin.write(json.dumps(role).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        try:
            yield found
        finally:
            output, errors = process.communicate(timeout=_ENDS_WITHIN_SECONDS)
        if process.returncode != 0:
            raise NotWell(f"the pair was cut short: {errors.decode().strip()[-200:]}")
        told = json.loads(output.splitlines()[-1])
        found.seconds, found.doubled = told["seconds"], told["doubled"]
        heard = len(found.seconds) - found.doubled
        found.lost = abs(self._archived() - before - heard)

    def _new(self, account: str) -> Person:
        return self._place.new_device(self._place.register(account))

    def _archived(self) -> int:
        """How many texts of who writes SQL has."""
        return self._place.count(_ARCHIVED, name=self._people[0].account)
