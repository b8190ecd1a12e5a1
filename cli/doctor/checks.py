"""The list of all that is examined in an installation, in the order in which it is told.

A check is a function from the installation to its findings; a new one is a line here. Where one
cannot go on, that is a finding too, and the next one has its turn.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from sqlalchemy.exc import SQLAlchemyError

from chat.engines import problem_of
from chat.errors import KatydidError, SettingError
from chat.settings import settings_from
from cli.doctor.bridges import check_archive_lag, check_leases
from cli.doctor.broker import check_broker
from cli.doctor.clock import check_clocks
from cli.doctor.database import check_database
from cli.doctor.disk import check_disks
from cli.doctor.files import check_private_files, check_secrets
from cli.doctor.findings import Finding, wrong
from cli.doctor.installation import Installation
from cli.doctor.queues import check_queues
from cli.doctor.running import check_door, check_running, check_site
from cli.doctor.settings import check_settings
from cli.doctor.tls import check_certificate_file

Check = Callable[[Installation], Iterable[Finding]]

CHECKS: dict[str, Check] = {
    "settings": check_settings,
    "secrets": check_secrets,
    "files": check_private_files,
    "disk": check_disks,
    "running": check_running,
    "database": check_database,
    "clock": check_clocks,
    "tls": check_certificate_file,
    "site": check_site,
    "door": check_door,
    "broker": check_broker,
    "queues": check_queues,
    "leases": check_leases,
    "lag": check_archive_lag,
}


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """All findings, one after the other; the first bad setting is the only one."""
    try:
        settings = settings_from(environ)
    except SettingError as error:
        yield wrong("settings", str(error), f"Set {error.name} right, or not at all.")
        return
    installation = Installation(environ, settings)
    try:
        for about, check in CHECKS.items():
            yield from _examined(about, check, installation)
    finally:
        installation.close()


def _examined(about: str, check: Check, installation: Installation) -> Iterator[Finding]:
    try:
        yield from check(installation)
    except SQLAlchemyError as error:
        said = f"The database fails while this is examined: {problem_of(error)}."
        yield wrong(about, said, "See what is told of the database.")
    except (KatydidError, OSError) as error:
        said = str(error) if isinstance(error, KatydidError) else f"The system says: {error}."
        yield wrong(about, f"This could not be examined to its end. {said}", "Try it once more.")
