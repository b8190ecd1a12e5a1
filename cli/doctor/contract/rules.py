"""Rules of the contract: how one is written down, tried, and found to be kept or not.

A rule is a function that ends when the server does as it should, and raises Broken when it does
not: what was expected, what came. A connection that breaks, or an answer that does not come, breaks
the rule as well; the next one has its turn.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from chat.errors import KatydidError
from cli.doctor.contract.server import Server
from cli.doctor.findings import Finding
from cli.doctor.mqtt import NoAnswer

Try = Callable[[Server], None]
_SHOWN_CHARACTERS = 300


class Broken(Exception):
    """The server did something else."""

    def __init__(self, *, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}, came {came}")
        self.expected = expected
        self.came = came


class NotTried(Exception):
    """The rule could not be tried with these accounts; the message says why."""


class Rules:
    """The rules of one section of `docs/protocol.md`, in the order in which they are tried."""

    def __init__(self, section: str, *, about: str) -> None:
        self.section = section
        self.about = about
        self.listed: list[tuple[str, Try]] = []

    def __call__(self, says: str) -> Callable[[Try], Try]:
        """A decorator: what follows tries whether this is so."""

        def add(attempt: Try) -> Try:
            self.listed.append((says, attempt))
            return attempt

        return add


def kept(rules: Rules, server: Server) -> Iterator[Finding]:
    """One finding for each of the rules."""
    where = f"docs/protocol.md, {rules.section}"
    for says, attempt in rules.listed:
        try:
            broken = _broken(attempt, server)
        except NotTried as why:
            yield Finding(rules.about, "skipped", f"{says} ({why})")
            continue
        if broken is None:
            yield Finding(rules.about, "ok", says)
        else:
            expected, came = broken.expected, broken.came
            yield Finding(rules.about, "wrong", says, expected=expected, came=came, where=where)


def holds(is_so: object, *, expected: str, came: Any) -> None:
    """Raises Broken unless it is so."""
    if not is_so:
        raise Broken(expected=expected, came=shown(came))


def same(came: Any, expected: Any) -> None:
    """Raises Broken unless both are the same."""
    holds(came == expected, expected=shown(expected), came=came)


def answered(answer: httpx.Response, status: int) -> Any:
    """The answer's JSON, if it has one. Raises Broken for another status."""
    holds(answer.status_code == status, expected=f"status {status}", came=_answer(answer))
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        raise Broken(expected="JSON", came=_answer(answer)) from None


def is_problem(answer: httpx.Response, status: int) -> None:
    """Raises Broken unless it is a problem detail (RFC 9457) of that status."""
    holds(answer.status_code == status, expected=f"status {status}", came=_answer(answer))
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    same(kind, "application/problem+json")
    problem = answered(answer, status)
    expected = f"an object with title, detail and the status {status}"
    is_one = isinstance(problem, dict) and problem.get("status") == status
    has_text = is_one and all(isinstance(problem.get(name), str) for name in ("title", "detail"))
    holds(has_text, expected=expected, came=problem)


def shown(value: Any) -> str:
    """A value as it is told, cut to a few lines."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _broken(attempt: Try, server: Server) -> Broken | None:
    try:
        attempt(server)
    except Broken as broken:
        return broken
    except NoAnswer as missing:
        return Broken(expected=missing.what, came="nothing in time")
    except (KatydidError, OSError, httpx.HTTPError) as error:
        return Broken(expected="an answer", came=str(error) or type(error).__name__)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        # What came has not the form that the rule goes by.
        return Broken(
            expected="the fields of the contract", came=f"{type(error).__name__}: {error}"
        )
    return None


def _answer(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text}"
