"""What a route tells of itself, beside what its address and its types tell: `@operation(…)`.

Stands above each view that programs may call; `openapi.py` reads it. A test fails for a route
without one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])
_ATTRIBUTE = "operation_of_the_contract"


class Callers(Enum):
    """Who may call."""

    ANYBODY = "anybody"
    ACCOUNTS = "a browser that is logged in, or a program by HTTP Basic"
    PERSONS = "likewise, but no thing"
    BROWSERS = "a browser that is logged in"


@dataclass(frozen=True)
class Content:
    """An answer that is no JSON of ours."""

    mimetype: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What `operation` was given. An answer is a type, a Content, or None for an empty one."""

    summary: str
    description: str
    answers: Mapping[int, type | Content | None]
    body: type | None
    query: type | None
    raises: tuple[type[Exception], ...]
    callers: Callers
    headers: Mapping[str, str]


def operation(
    summary: str,
    description: str = "",
    *,
    answers: Mapping[int, type | Content | None],
    body: type | None = None,
    query: type | None = None,
    raises: tuple[type[Exception], ...] = (),
    callers: Callers = Callers.ACCOUNTS,
    headers: Mapping[str, str] | None = None,
) -> Callable[[View], View]:
    """Describes a view. `raises` are the errors that are this call's own: those that come with a
    login, a body or a query, and those of a database that does not answer, go without saying.
    `headers` are those of the answers that are no errors."""

    def describe(view: View) -> View:
        described = Operation(
            summary=summary,
            description=description,
            answers=answers,
            body=body,
            query=query,
            raises=raises,
            callers=callers,
            headers=headers or {},
        )
        setattr(view, _ATTRIBUTE, described)
        return view

    return describe


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What the view tells of itself; None for what is for people, and not for programs."""
    found: Operation | None = getattr(view, _ATTRIBUTE, None)
    return found
