"""`./katydid doctor` examines this installation, `./katydid doctor URL` any server from outside.

Here is what both have in common: the words of the command, and that whatever they made is removed
again, however they end. What is examined stands in `checks.py`, and for a server in `contract/`.
"""

import os
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import closing

from chat.errors import KatydidError
from cli.doctor.findings import Finding, tell


class CannotExamine(KatydidError):
    """The command was given words that it does not take."""


def doctor(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when nothing is wrong, 1 otherwise."""
    as_json = "--json" in arguments
    words = [word for word in arguments if word != "--json"]
    if len(words) > 1 or any(word.startswith("-") for word in words):
        raise CannotExamine("Say ./katydid doctor [--json] or ./katydid doctor URL [--json].")
    # A way out through every `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o077)
    # Closed in any case, so that each `finally` in it has its turn before the process ends.
    with closing(_findings(environ, words)) as findings:
        return tell(findings, as_json=as_json)


def _findings(environ: Mapping[str, str], words: list[str]) -> Generator[Finding]:
    if words:
        from cli.doctor.contract import examine_server

        yield from examine_server(words[0], environ)
    else:
        from cli.doctor.checks import examine

        yield from examine(environ)
