"""JSON schemas (2020-12) of our types, by their names, as both documents keep them."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

_REF = "#/components/schemas/{name}"


def schemas_of(types: Iterable[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The schema of each type, which for one with a name refers to the second answer: the schemas
    of all that have names."""
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    for component in components.values():
        if "description" in component:
            component["description"] = _spoken(component["description"])
    return list(schemas), dict(sorted(components.items()))


def _spoken(docstring: str) -> str:
    """Paragraphs without the breaks of lines that the code has."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
