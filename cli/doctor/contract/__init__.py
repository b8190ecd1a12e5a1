"""Whether a server keeps the contract of `docs/protocol.md`, tried from outside.

For whoever writes another client, or another server, or puts a proxy in front: nothing but the
server's URL and two accounts is used, none of the installation's files. The rules are in the
modules by subject; a new one is a function below `@…rules("what must be so")`.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from cli.doctor.contract import (
    asking,
    changing,
    connecting,
    history,
    http,
    refusing,
    rights,
    sending,
    signals,
)
from cli.doctor.contract.leaving import leave, rules_of_leaving
from cli.doctor.contract.people import CannotComeIn, come_in
from cli.doctor.contract.rules import Rules, kept
from cli.doctor.contract.server import Server
from cli.doctor.findings import Finding, wrong
from cli.doctor.interrupting import not_interrupted

# In the order in which they are tried: what comes later builds upon what was written before.
SUBJECTS: tuple[Rules, ...] = (
    http.rules,
    connecting.rules,
    rights.rules,
    sending.rules,
    changing.rules,
    signals.rules,
    history.rules,
    asking.rules,
    refusing.rules,
    rules_of_leaving,
)

_ADVICE = "All other rules want two accounts with a device each; see docs/conformance.md."


def examine_server(url: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each rule; and at the end, one for what could not be taken back. Raises
    CannotComeIn for what is no URL."""
    if not _is_url(url):
        raise CannotComeIn(f"{url} is no URL that begins with http:// or https://.")
    server = Server(url)
    left_behind: list[Finding] = []
    try:
        yield from _tried(server, environ)
    finally:
        with not_interrupted():
            left_behind += leave(server)
            server.close()
    yield from left_behind


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port beyond all
        return False


def _tried(server: Server, environ: Mapping[str, str]) -> Iterator[Finding]:
    yield from kept(http.rules_for_anybody, server)
    try:
        come_in(server, environ)
    except CannotComeIn as error:
        yield wrong("accounts", str(error), _ADVICE)
        return
    for rules in SUBJECTS:
        yield from kept(rules, server)
