"""What came of a flood: whether the installation has held, and the numbers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from attacks.chatting import Chatted
from attacks.place import NotWell


@dataclass
class Flood:
    """One of them at one broker; `wrong` says what has not held, in sentences."""

    name: str
    broker: str
    numbers: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def noting_failures(self) -> Iterator[None]:
        """What ends the block before its time has not held, and is no reason to end the run."""
        try:
            yield
        except (NotWell, OSError, httpx.HTTPError) as problem:
            self.wrong.append(f"{type(problem).__name__}: {problem}")

    def note_chat(self, quiet: Chatted, during: Chatted) -> None:
        """How the pair fared before and meanwhile."""
        self.numbers["pair's p50 / p99 in ms, quiet"] = _both(quiet)
        self.numbers["pair's p50 / p99 in ms, meanwhile"] = _both(during)
        self.numbers["p99, as a ratio"] = round(during.p99_ms / quiet.p99_ms, 1)
        self.note_kept(during)

    def note_kept(self, during: Chatted) -> None:
        """Whether the pair's texts are all there once."""
        self.numbers["pair's texts, lost, doubled"] = (
            f"{len(during.seconds)}, {during.lost}, {during.doubled}"
        )
        if not during.is_whole:
            self.wrong.append("texts of the pair were lost or doubled.")

    def note_memory(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Of each part, in MB."""
        for part, size in before.items():
            was, became = size >> 20, after.get(part, 0) >> 20
            self.numbers[f"memory of {part} in MB"] = f"{was} → {became}"

    def note_cpu(self, before: Mapping[str, float], after: Mapping[str, float]) -> None:
        """Of each part, in seconds."""
        used = {part: after.get(part, 0.0) - was for part, was in before.items()}
        self.numbers["CPU in s"] = ", ".join(f"{part} {spent:.1f}" for part, spent in used.items())

    def __str__(self) -> str:
        lines = [f"{self.name}, {self.broker}"]
        lines += [f"  {name}: {value}" for name, value in self.numbers.items()]
        lines += [f"  NOT held: {each}" for each in self.wrong]
        return "\n".join(lines)


def _both(chatted: Chatted) -> str:
    return f"{chatted.p50_ms:.1f} / {chatted.p99_ms:.1f}"
