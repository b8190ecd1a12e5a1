"""What each child is before it becomes its program."""

import os
import subprocess
import sys
from pathlib import Path

from chat.settings import REPOSITORY
from tests.disks import fill


def counted(folder: Path) -> "subprocess.CompletedProcess[str]":
    """A child that counts something, and says where."""
    program = "import os, bridge.metrics as m; m.ARCHIVED.inc(); print(os.environ.get('{}'))"
    words = ["-c", program.format("PROMETHEUS_MULTIPROC_DIR")]
    return subprocess.run(
        [sys.executable, "-m", "cli.tied", sys.executable, *words],
        cwd=REPOSITORY,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_metrics_are_kept_where_there_is_room(small_disk: Path) -> None:
    child = counted(small_disk)

    assert (child.returncode, child.stdout) == (0, f"{small_disk}\n")
    assert list(small_disk.glob("*.db"))


def test_a_full_disk_costs_the_metrics_and_not_the_program(small_disk: Path) -> None:
    fill(small_disk)

    child = counted(small_disk)

    assert (child.returncode, child.stdout) == (0, "None\n")
    assert "no room for metrics" in child.stderr
