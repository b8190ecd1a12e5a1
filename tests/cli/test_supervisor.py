"""The supervisor on a disk that is full: `/dev/full`, which takes nothing."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chat.settings import REPOSITORY, settings_from
from cli.home import held_home
from cli.supervision import Child, alone, python, write_configuration
from tests.running import wait_until

# Says more than a pipe holds, then that it could, and ends.
SPEAKER = "import sys; print('x' * 1000 * 300, flush=True); open(sys.argv[1], 'a').write('said\\n')"


@pytest.fixture
def said_file(tmp_path: Path) -> Iterator[Path]:
    """Where a child notes each of its lives, under a supervisor whose logs are all full."""
    said_file = tmp_path / "said"
    settings = replace(settings_from({}), home=tmp_path / "home")
    with held_home(settings):
        speaker = Child(name="speaker", command=[sys.executable, "-c", SPEAKER, str(said_file)])
        file = write_configuration(settings, [alone(speaker)])
        for name in ("supervisor.log", "speaker.log"):
            (settings.logs_dir / name).symlink_to("/dev/full")
        with Path("/dev/full").open("wb") as full:
            running = subprocess.Popen(
                python("cli.supervisor", str(file)), cwd=REPOSITORY, stderr=full
            )
        yield said_file
        running.terminate()
        running.wait(timeout=15)


def test_on_a_full_disk_children_are_still_heard_and_started_again(said_file: Path) -> None:
    wait_until(
        "a child to speak in two lives",
        lambda: said_file.exists() and len(said_file.read_text().splitlines()) >= 2,
    )
