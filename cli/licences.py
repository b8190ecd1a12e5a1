"""`./katydid licences`: `docs/licences.md`, from what packages say of themselves where they are
installed. All licences are free ones, on the short list below, or nothing is written.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.terminal import say

FILE = REPOSITORY / "docs" / "licences.md"

# Free, and no condition of theirs touches what uses them unchanged.
ALLOWED = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "EPL-2.0", "ISC", "MIT"),
        *("LGPL-3.0-only", "MIT-0", "MPL-2.0", "PostgreSQL", "PSF-2.0"),
        # Of programs alone, which run beside ours.
        "GPL-2.0-or-later",
    }
)

# What packages call their licence where they do not use the names of SPDX.
_IN_OTHER_WORDS = {
    "Apache 2.0": "Apache-2.0",
    "BSD License": "BSD",
    "BSD-derived (http://www.repoze.org/LICENSE.txt)": "BSD",
    "MIT License": "MIT",
}

_PROGRAMS = (
    ("mosquitto", "EPL-2.0 OR BSD-3-Clause", "the broker of one machine"),
    ("RabbitMQ", "MPL-2.0", "the broker of a cluster (with Erlang/OTP, Apache-2.0)"),
    ("PostgreSQL", "PostgreSQL", "the database of a cluster"),
    ("HAProxy", "GPL-2.0-or-later", "TLS, and the door of a cluster"),
    ("Python", "PSF-2.0", "runs everything; SQLite, in the public domain, is in it"),
)

_LOCKED = re.compile(r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\$")
_LISTED = re.compile(r"^([\w.-]+)(?:\[\w+\])?==\S+\s+# (.*)$")


class LicenceNotAllowed(KatydidError):
    """A package has a licence that is not on the list."""

    def __init__(self, package: str, licence: str) -> None:
        super().__init__(
            f"The licence of {package}, {licence or 'which says none'}, is not among those that"
            " cli/licences.py allows."
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that Katydid is made of, as a row of the page."""

    name: str
    versions: str
    licence: str
    purpose: str


def licences(arguments: list[str]) -> int:
    """Write the page. Exit status: 0. Raises LicenceNotAllowed."""
    if arguments:
        say("licences takes no arguments")
        return 2
    FILE.write_text(page(), encoding="utf-8")
    say(f"wrote {FILE.relative_to(REPOSITORY)}")
    return 0


def page() -> str:
    """The page as it should be. Raises LicenceNotAllowed."""
    return _PAGE.format(
        packages=_table(python_packages()),
        libraries=_table(browser_libraries()),
        programs="\n".join(f"| {' | '.join(each)} |" for each in _PROGRAMS),
        allowed=", ".join(sorted(ALLOWED)),
    )


def python_packages() -> Iterator[Part]:
    """What runs with Katydid, by name; what another Python or another system alone would get has
    the licence of what is here, or is left out."""
    reasons = dict(_reasons())
    versions: dict[str, list[str]] = {}
    for line in _lines("requirements.lock"):
        if (found := _LOCKED.match(line)) and "win32" not in (found[3] or ""):
            versions.setdefault(found[1], []).append(found[2])
    for name, several in versions.items():
        licence = licence_of(name)
        if not is_allowed(licence):
            raise LicenceNotAllowed(name, licence)
        yield Part(
            name=name,
            versions=" or ".join(several),
            licence=licence,
            purpose=reasons.get(name, ""),
        )


def browser_libraries() -> Iterator[Part]:
    """What `npm ci` brings for a site, as package-lock.json says."""
    lock = json.loads((REPOSITORY / "package-lock.json").read_text(encoding="utf-8"))
    for place, about in lock["packages"].items():
        name = place.rpartition("node_modules/")[2]
        if not name or about.get("dev"):
            continue
        if not is_allowed(licence := about.get("license", "")):
            raise LicenceNotAllowed(name, licence)
        reason = "MQTT in the browser" if name in lock["packages"][""]["dependencies"] else ""
        yield Part(name=name, versions=about["version"], licence=licence, purpose=reason)


def licence_of(package: str) -> str:
    """What an installed package says, as an expression of SPDX where it can be told; empty if it
    says nothing, or is not installed."""
    try:
        about = metadata(package)
    except PackageNotFoundError:
        return ""
    for expression in about.get_all("License-Expression") or ():
        return str(expression)
    said = str((about.get_all("License") or [""])[0])
    classes = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or ()]
    classes = [each for each in classes if each in _IN_OTHER_WORDS]
    # Some have put the whole text there.
    short = said if said and "\n" not in said else (classes or [""])[0]
    return _IN_OTHER_WORDS.get(short, short)


def is_allowed(expression: str) -> bool:
    """Whether one of the choices that an expression offers is made of allowed licences alone."""
    return any(
        all(each in ALLOWED for each in choice.split(" AND "))
        for choice in expression.strip("()").split(" OR ")
    )


def _reasons() -> Iterator[tuple[str, str]]:
    """Name → what for: what people wrote beside it, or which packages ask for it."""
    name = ""
    for line in _lines("requirements.lock"):
        if found := _LOCKED.match(line):
            name, askers = found[1], []
        elif line.startswith("    #") and not line.endswith("# via"):
            askers.append(line.strip(" #").removeprefix("via "))
            yield name, f"for {', '.join(askers)}"
    for line in _lines("requirements.txt"):
        if found := _LISTED.match(line):
            yield found[1], found[2]


def _lines(file: str) -> list[str]:
    return (REPOSITORY / file).read_text(encoding="utf-8").splitlines()


def _table(parts: Iterator[Part]) -> str:
    rows = ((each.name, each.versions, each.licence, each.purpose) for each in parts)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


_PAGE = """\
# Licences

What runs with Katydid, and under which licence, as the packages themselves say. Made by
`./katydid licences`; the suite compares it with what is installed.

Allowed are: {allowed}.

## Python packages

| package | version | licence | what for |
|---|---|---|---|
{packages}

## In the browser

One file of mqtt, which holds what it needs of the others.

| package | version | licence | what for |
|---|---|---|---|
{libraries}

## Programs beside it

Each runs by itself, as its maker or the system's packages have it.

| program | licence | what for |
|---|---|---|
{programs}
"""
