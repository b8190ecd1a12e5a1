"""What a doctor finds in an installation: one check at a time, or all of them by the command."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from chat.settings import REPOSITORY, settings_from
from cli.doctor.checks import Check
from cli.doctor.findings import Finding
from cli.doctor.installation import Installation as Examined

COMMAND = [sys.executable, "-m", "cli", "doctor"]


def found_by(check: Check, environ: Mapping[str, str]) -> list[Finding]:
    """All that one check finds, as `./katydid doctor` with these settings would tell it."""
    examined = Examined(environ, settings_from(environ))
    try:
        return list(check(examined))
    finally:
        examined.close()


def says(findings: list[Finding], level: str, *words: str) -> Finding:
    """The finding of that level with these words; wherever something is not as it should be, the
    doctor says what to do."""
    having = [each for each in findings if all(word in each.says for word in words)]
    assert [each.level for each in having] == [level], findings
    assert (having[0].advice is not None) is (level in ("wrong", "warning"))
    return having[0]


def all_ok(findings: list[Finding]) -> bool:
    return bool(findings) and {each.level for each in findings} <= {"ok", "skipped"}


def ask_doctor(environ: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """The command itself, to its end."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=REPOSITORY,
        env=os.environ | dict(environ),
        capture_output=True,
        text=True,
        timeout=60,
    )


def as_json(environ: Mapping[str, str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    """The command's exit status, and its findings."""
    done = ask_doctor(environ, *words, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]
