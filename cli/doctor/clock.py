"""The clocks of this machine, of the database and of the site, as far apart as they are."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx

from chat.examining import clock_ms
from chat.hosts import address, reachable
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.installation import Installation

# People see times to the minute; a leap of this size they would notice.
_TOLERATED_SECONDS = 2.0
_WRONG_SECONDS = 60.0
_ADVICE = "Let a time service (systemd-timesyncd, chrony) set the clocks of all machines."


def check_clocks(installation: Installation) -> Iterator[Finding]:
    """Each clock that can be seen is compared with this machine's."""
    if installation.has_tables:
        yield _compared("the database", *_of_database(installation))
    if installation.site_listens and (of_site := _of_site(installation)) is not None:
        yield _compared("the site", *of_site)
    yield from _set_by_a_service()


def _of_database(installation: Installation) -> tuple[float, float]:
    """How far it is ahead, and how exactly that is known, in seconds."""
    with installation.database.reading() as session:
        clock_ms(session)  # connected by now
        before = time.time()
        there = clock_ms(session) / 1000
        after = time.time()
    return there - (before + after) / 2, (after - before) / 2


def _of_site(installation: Installation) -> tuple[float, float] | None:
    """By the header Date, which has whole seconds."""
    settings = installation.settings
    url = f"http://{address(reachable(settings.plain_host), settings.http_port)}/healthz"
    try:
        before = time.time()
        said = httpx.get(url, timeout=5.0, trust_env=False).headers["Date"]
        there = parsedate_to_datetime(said).timestamp() + 0.5
    except (httpx.HTTPError, KeyError, ValueError):
        return None
    after = time.time()
    return there - (before + after) / 2, 0.5 + (after - before) / 2


def _compared(whose: str, ahead: float, exactly: float) -> Finding:
    apart = max(0.0, abs(ahead) - exactly)
    says = f"The clock of {whose} is {apart:.1f} s {'ahead of' if ahead > 0 else 'behind'} ours."
    if apart > _WRONG_SECONDS:
        return wrong("clock", says, f"Times of messages will be wrong. {_ADVICE}")
    if apart > _TOLERATED_SECONDS:
        return warning("clock", says, _ADVICE)
    return ok("clock", f"The clock of {whose} agrees with ours.")


def _set_by_a_service() -> Iterator[Finding]:
    program = shutil.which("timedatectl")
    if program is None:
        return
    words = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    match done.stdout.strip():
        case "yes":
            yield ok("clock", "A time service sets the clock of this machine.")
        case "no":
            yield warning("clock", "No time service sets the clock of this machine.", _ADVICE)
        case _:  # no systemd runs here, as in a container
            yield skipped("clock", "Whether a time service sets the clock, timedatectl cannot say.")
