"""Secrets and data: whether they are there, whole, and for their owner alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from chat.errors import SecretMissing
from chat.search_file import search_file_of
from chat.secrets import FILES, load_secrets
from cli.broker_state import SNAPSHOT, SQLITE
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.installation import Installation

_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_secrets(installation: Installation) -> Iterator[Finding]:
    """Each secret is there, can be read, and by nobody else."""
    settings = installation.settings
    if not settings.secrets_dir.is_dir():
        yield skipped(
            "secrets", f"There are none in {settings.home} yet; the first ./katydid up makes them."
        )
        return
    try:
        secrets = load_secrets(settings)
    except SecretMissing as error:
        yield wrong(
            "secrets",
            f"The secret {error.path} is missing, cut short, or cannot be read.",
            "Put it back from the backup. If there is none, delete what is left of it and start"
            " ./katydid up, which makes a new one; with a new server_key, all devices need new"
            " credentials.",
        )
        return
    open_to_others = list(_open_to_others(settings.secrets_dir / name for name in FILES))
    yield from open_to_others or [
        ok("secrets", f"All {len(FILES)} are there, for their owner alone.")
    ]
    if secrets.server_keys.before is not None:
        yield warning(
            "secrets",
            "The server key before the last one is still kept.",
            "While Katydid does not run, ./katydid rotate --retire says whose secrets are from it,"
            " and ends it.",
        )


def _open_to_others(files: Iterator[Path]) -> Iterator[Finding]:
    for file in files:
        state = file.stat()
        if state.st_mode & _OF_OTHERS:
            yield wrong(
                "secrets",
                f"Others can read {file} (mode {stat.S_IMODE(state.st_mode):04o}).",
                f"chmod 600 {file}. If other people use this machine, change the secret:"
                " ./katydid rotate (docs/operations.md, Secrets, made anew).",
            )
        elif state.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
            yield wrong("secrets", f"{file} is another user's.", f"As root: chown it to {_me()}.")


def check_private_files(installation: Installation) -> Iterator[Finding]:
    """Nobody else gets at what people wrote, nor at the broker's credentials."""
    home = installation.settings.home
    if not home.is_dir():
        yield skipped("files", f"There is no home {home} yet; the first ./katydid up makes it.")
        return
    if not home.stat().st_mode & _OF_OTHERS:
        yield ok("files", f"Nobody but its owner gets into {home}.")
        return
    found = list(_readable_by_others(installation))
    yield from found or [
        warning(
            "files",
            f"Others get into {home} (mode {stat.S_IMODE(home.stat().st_mode):04o}), and find"
            " nothing there yet that they can read.",
            f"chmod 700 {home}, so that it stays so.",
        )
    ]


def _readable_by_others(installation: Installation) -> Iterator[Finding]:
    for file in _private_files(installation):
        if file.is_file() and file.stat().st_mode & _OF_OTHERS:
            yield wrong(
                "files",
                f"Others can read {file}, which has what people wrote, or credentials.",
                f"chmod 700 {installation.settings.home}, so that nobody else gets in.",
            )


def _private_files(installation: Installation) -> list[Path]:
    settings = installation.settings
    names = ("dynamic-security.json", SNAPSHOT, SQLITE, f"{SQLITE}-wal", "rabbitmq.conf")
    files = [settings.broker_dir / name for name in names]
    archive = installation.archive_file
    if archive is not None:
        for file in (archive, search_file_of(archive)):
            files += [file, file.with_name(f"{file.name}-wal")]
    return [file for file in files if not _is_shut_off(file, settings.home)]


def _is_shut_off(file: Path, home: Path) -> bool:
    """Whether a folder between the home and the file keeps others out."""
    between = [folder for folder in file.parents if folder != home and home in folder.parents]
    return any(
        folder.is_dir() and not folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
        for folder in between
    )


def _me() -> str:
    return f"user {os.geteuid()}"
