"""Room on the disks: of the home, and of an archive that is a file elsewhere."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from cli.counting import has_room
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.installation import Installation

_MIB = 1024 * 1024
# What a busy day of messages and the broker's queues may need before anybody looks again.
_ENOUGH_BYTES = 1024 * _MIB


def check_disks(installation: Installation) -> Iterator[Finding]:
    """One finding for each disk."""
    folders = [_existing(installation.settings.home)]
    if installation.archive_file is not None:
        folders.append(_existing(installation.archive_file.parent))
    for folder in {folder.stat().st_dev: folder for folder in reversed(folders)}.values():
        yield _room_in(folder)
    if installation.archive_file is None:
        yield skipped(
            "disk", "The disk of PostgreSQL cannot be seen from here; its server has to be watched."
        )


def _existing(folder: Path) -> Path:
    """The folder, or the one above it where it will be made."""
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _room_in(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    says = f"The disk of {folder} has {_shown(free)} left"
    if not has_room(free):
        return wrong(
            "disk",
            f"{says}: SQL and the broker cannot write any more.",
            "Free it. Messages wait with their senders meanwhile; then start Katydid anew, so that"
            " /metrics shows everything again.",
        )
    if free < _ENOUGH_BYTES:
        return warning("disk", f"{says}.", "Free some of it soon, or move KATYDID_HOME.")
    return ok("disk", f"{says}.")


def _shown(size_bytes: int) -> str:
    mib = size_bytes / _MIB
    return f"{mib / 1024:,.0f} GiB" if mib > 10 * 1024 else f"{mib:,.0f} MiB"
