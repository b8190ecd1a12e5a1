"""What `deploy/compose.yaml` says, for tests."""

import re
from typing import Any

from ruamel.yaml import YAML

from chat.settings import REPOSITORY

FOLDER = REPOSITORY / "deploy"
FILE = FOLDER / "compose.yaml"
COMPOSE: dict[str, Any] = YAML(typ="safe").load(FILE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def environment_of(service: str, *, domain: str) -> dict[str, str]:
    """Its environment, where nothing but the domain is set."""

    def value_of(found: re.Match[str]) -> str:
        default = found[3] if found[2] == "-" else None
        return domain if found[1] == "KATYDID_DOMAIN" else default or ""

    said = SERVICES[service].get("environment", {})
    return {name: _VARIABLE.sub(value_of, str(value)) for name, value in said.items()}
