"""`./katydid bench` in its short form: whether it runs, and whether what it says can be. How fast
anything is, no test asks."""

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.works import works
from chat.settings import REPOSITORY
from tests.conftest import needs

KATYDID = REPOSITORY / "katydid"
# Of a machine that is busy with other tests.
WITHIN_SECONDS = 840


@pytest.mark.timeout(WITHIN_SECONDS + 60)
def test_every_work_is_measured_beside_its_limit_and_nothing_is_lost(tmp_path: Path) -> None:
    for program in ("mosquitto", "chromium"):
        needs(program)

    said = bench(tmp_path, "--databases", "sqlite", "--curves", str(tmp_path / "curves"))

    found = figures(tmp_path)
    assert {figure["work"] for figure in found} == set(works())
    assert {"mosquitto", "rows-sqlite", "sqlite"} == {figure["system"] for figure in found}
    can_be(found)
    for work in works():
        assert f"\n{work}\n" in said
    assert "of bare mosquitto" in said
    for over in ("accounts", "messages", "connections", "messages-a-second"):
        for kind in ("png", "svg"):
            assert (tmp_path / "curves" / f"{over}.{kind}").stat().st_size > 1_000


@pytest.mark.timeout(WITHIN_SECONDS + 60)
def test_postgresql_is_measured_too(tmp_path: Path) -> None:
    for program in ("mosquitto", "initdb"):
        needs(program)

    bench(
        tmp_path,
        "--databases",
        "postgresql",
        "--works",
        *("throughput", "latency", "backlog", "search", "size"),
    )

    found = figures(tmp_path)
    assert {"mosquitto", "rows-postgresql", "postgresql"} == {each["system"] for each in found}
    assert any(each["name"] == "10 pairs: CPU of postgres" for each in found)
    can_be(found)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--rounds", "0"], "--rounds must be 1 or more"),
        (["--messages", "1"], "--messages must be 1,000 or more"),
        (["--largest", "10"], "--largest must be more than"),
        (["--json", "/no/such/folder/found.json"], "there is no such folder"),
        (["--compare", "/no/such/file.json"], "cannot be read"),
        (["--compare", str(REPOSITORY / "package.json")], "is not what ./katydid bench --json"),
        (["--works", "juggling"], "invalid choice: 'juggling'"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(
    words: list[str], complaint: str
) -> None:
    done = subprocess.run(
        [KATYDID, "bench", *words], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode in (1, 2)
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert "preparing" not in done.stderr


def bench(folder: Path, *words: str) -> str:
    """What it printed; the figures are in a file in the folder."""
    done = subprocess.run(
        [KATYDID, "bench", "--short", *words, "--json", str(folder / "found.json")],
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def figures(folder: Path) -> list[dict[str, Any]]:
    run = json.loads((folder / "found.json").read_text())
    assert run["remarks"] == []
    found: list[dict[str, Any]] = run["figures"]
    return found


def can_be(found: list[dict[str, Any]]) -> None:
    """No number is missing, and none is what it cannot be."""
    for figure in found:
        assert len(figure["values"]) == 1, figure
        assert all(map(math.isfinite, figure["values"])), figure
        if figure["work"] != "idle":  # memory may be given back meanwhile
            assert min(figure["values"]) >= 0, figure
        if figure["name"].endswith(("lost", "doubled", "out of order")):
            assert figure["values"] == [0], figure
        if figure["unit"] in ("/s", "ms", "s"):
            assert min(figure["values"]) > 0, figure
