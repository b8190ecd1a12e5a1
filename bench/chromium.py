"""Which Chromium is measured with, and what it is told."""

from importlib.util import find_spec

from chat.errors import KatydidError
from cli.programs import find_program

CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class ChromiumMissing(KatydidError):
    """There is no Chromium to be driven."""


def chromium_program() -> str:
    """Where it is. Raises ChromiumMissing, also without what drives it."""
    if find_spec("playwright") is None:
        raise ChromiumMissing("Playwright is not installed; ./katydid test installs it.")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(find_program, names)), None)
    if program is None:
        raise ChromiumMissing("Chromium is not installed; ./katydid test installs it where it can.")
    return program
