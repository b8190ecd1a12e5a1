"""What a doctor finds, and how it is told: to a person line by line, to a program as JSON.

A finding is one sentence that says what is so; where it should be otherwise, a second one says
what to do.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cli.terminal import visible

Level = Literal["ok", "warning", "wrong", "skipped"]
_WIDTH = 9


@dataclass(frozen=True)
class Finding:
    """What was found about one part. `skipped` is what could not be examined now; `says` is why.

    Of a server's contract, `says` is the rule, and where it is not kept, the last three tell more.
    """

    about: str
    level: Level
    says: str
    advice: str | None = None
    expected: str | None = None
    came: str | None = None
    where: str | None = None

    @property
    def more(self) -> list[str]:
        """What is told below it."""
        told = {"→": self.advice, "expected": self.expected, "came": self.came, "see": self.where}
        return [f"{word} {text}" for word, text in told.items() if text is not None]


def ok(about: str, says: str) -> Finding:
    """As it should be."""
    return Finding(about, "ok", says)


def warning(about: str, says: str, advice: str) -> Finding:
    """It works, and may not for long, or not for everyone."""
    return Finding(about, "warning", says, advice)


def wrong(about: str, says: str, advice: str) -> Finding:
    """It does not work, or lets in whom it must not."""
    return Finding(about, "wrong", says, advice)


def skipped(about: str, says: str) -> Finding:
    """It could not be examined."""
    return Finding(about, "skipped", says)


def tell(findings: Iterable[Finding], *, as_json: bool) -> int:
    """Print each as it comes, or all of them as one JSON object. Exit status: 0 when nothing is
    wrong, else 1."""
    found = list(findings if as_json else _printed(findings))
    counts = {level: sum(each.level == level for each in found) for level in ("wrong", "warning")}
    if as_json:
        listed = [{k: v for k, v in vars(each).items() if v is not None} for each in found]
        print(json.dumps({"findings": listed, **counts}, indent=2), flush=True)
    else:
        print(_sum(counts["wrong"], counts["warning"]), flush=True)
    return 1 if counts["wrong"] else 0


def _printed(findings: Iterable[Finding]) -> Iterator[Finding]:
    for each in findings:
        print(f"{each.level:{_WIDTH}}{each.about}: {_in_one_line(each.says)}", flush=True)
        for line in each.more:
            print(f"{'':{_WIDTH}}{_in_one_line(line)}", flush=True)
        yield each


def _in_one_line(text: str) -> str:
    """Also a page that a server answered with, which would look like findings of ours else."""
    return visible(" ".join(text.split()))


def _sum(wrong: int, warnings: int) -> str:
    if not wrong and not warnings:
        return "Nothing is wrong."
    return f"{_counted(wrong, 'fault')} and {_counted(warnings, 'warning')}.".capitalize()


def _counted(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"
