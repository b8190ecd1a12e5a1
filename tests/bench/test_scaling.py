"""The measurement itself, in its shortest form: it runs, and what it prints can be."""

import subprocess
import sys

from chat.settings import REPOSITORY
from tests.conftest import needs


def test_scaling_prints_a_line_for_each_number_of_bridges_and_of_web_workers() -> None:
    needs("mosquitto")
    words = ["--rounds=1", "--messages=20", "--pages=2", "--numbers", "1", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.scaling", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = [line.replace(",", "").split() for line in done.stdout.splitlines()]
    numbers = [line for line in lines if line[:1] in (["1"], ["2"]) and "cores;" not in line]
    assert [line[0] for line in numbers] == ["1", "2", "1", "2"]
    assert all(float(each) > 0 for line in numbers for each in line[1:3])
