"""Connected clients and a broker killed under them, in small."""

import subprocess
import sys

from chat.settings import REPOSITORY
from tests.conftest import needs


def test_all_clients_come_back_and_miss_nothing_when_the_broker_is_killed() -> None:
    needs("mosquitto")
    words = ["--clients", "60", "--senders", "20", "--every", "0.5"]

    done = subprocess.run(
        [sys.executable, "-m", "bench.clients", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "broker killed under 60 connections" in done.stdout
    assert "nothing missing, doubled or out of order" in done.stdout


def test_more_clients_than_files_are_allowed_is_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.clients", "--clients", "100000000"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "open files are needed" in done.stderr
    assert "Traceback" not in done.stderr
