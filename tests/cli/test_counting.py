"""On a full disk, a program counts for itself alone instead of dying of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.counting import has_room
from tests.running import PARTS, REPOSITORY, Installation

MIB = 1024 * 1024
# A file system that has no room at all, on every Linux.
FULL = Path("/proc")


@pytest.mark.parametrize(
    ("free_bytes", "is_enough"), [(0, False), (16 * MIB - 1, False), (16 * MIB, True)]
)
def test_sixteen_mebibytes_are_room_enough(free_bytes: int, is_enough: bool) -> None:
    assert has_room(free_bytes) is is_enough


def folder_after(tied_with: Path) -> tuple[str, str]:
    """What a child finds as its folder, and what is said about it."""
    show = "import os; print(os.environ.get('PROMETHEUS_MULTIPROC_DIR'))"
    done = subprocess.run(
        [sys.executable, "-m", "cli.tied", sys.executable, "-c", show],
        cwd=REPOSITORY,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tied_with)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip(), done.stderr


def test_a_folder_with_room_is_kept_and_one_without_is_not(tmp_path: Path) -> None:
    assert folder_after(tmp_path) == (str(tmp_path), "")
    folder, said = folder_after(FULL)

    assert folder == "None"
    assert said.count("\n") == 1
    assert "The disk of /proc is almost full" in said


def test_all_starts_on_a_full_disk(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("broker", "bridge"):
        monkeypatch.setitem(PARTS, part, [sys.executable, "-m", "cli.tied", *PARTS[part]])
    installation.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FULL)

    installation.start("broker", "bridge")

    assert "is almost full" in installation.log("bridge")
