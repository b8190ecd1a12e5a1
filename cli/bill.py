"""`./katydid bill [FILE]`: the bill of materials (CycloneDX, JSON), from the lock: what runs with
Katydid, each package with its version and the checksums of its files.
"""

import subprocess
import sys
from pathlib import Path

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.packages import bring_packages
from cli.terminal import say


class NoBill(KatydidError):
    """It could not be written."""


def bill(arguments: list[str]) -> int:
    """Write it to the file that is named, or to `var/katydid.cdx.json`. Exit status: 0. Raises
    NoBill."""
    if len(arguments) > 1 or any(each.startswith("-") for each in arguments):
        raise NoBill("Say where to at most: ./katydid bill FILE.")
    file = Path(arguments[0]) if arguments else REPOSITORY / "var" / "katydid.cdx.json"
    bring_packages("dev")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bill(file)
    say(f"wrote {file}")
    return 0


def write_bill(file: Path) -> None:
    """The same twice for the same lock. Raises NoBill."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.lock"]
    command += ["--output-reproducible", "--of", "JSON", "--output-file", str(file.resolve())]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise NoBill(f"The bill of materials could not be written: {last.rstrip('.')}.")
