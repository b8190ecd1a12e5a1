"""`./katydid chaos` as a person runs it: three short runs at a time, and one that is cut short."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.processes import tree
from chat.settings import REPOSITORY
from cli.__main__ import main
from tests.conftest import needs
from tests.running import wait_until

KATYDID = str(REPOSITORY / "katydid")
# Seed → what else is said. Different people, so that two cores are enough for all at once.
RUNS = {
    1: ["--people", "clients", "browsers"],
    2: ["--people", "clients", "publishers"],
    3: ["--people", "clients", "--database", "postgresql"],
}
SECONDS = 35


@pytest.mark.timeout(420)
def test_nothing_is_lost_doubled_or_out_of_order_whatever_the_seed(tmp_path: Path) -> None:
    for program in ("mosquitto", "initdb", "chromium"):
        needs(program)

    running = {
        seed: begin(tmp_path, f"{seed}", "--seconds", f"{SECONDS}", "--seed", f"{seed}", *more)
        for seed, more in RUNS.items()
    }
    statuses = {seed: chaos.wait(timeout=400) for seed, chaos in running.items()}

    assert statuses == dict.fromkeys(RUNS, 0), "\n".join(said(tmp_path, f"{s}") for s in RUNS)
    for seed in RUNS:
        outcome = outcome_of(tmp_path, f"{seed}")
        assert outcome["clean"]
        assert outcome["seed"] == seed
        assert len(outcome["faults"]) >= 4
        client = outcome["kinds"]["reference client"]
        assert client["archived"] >= client["sent"] > SECONDS


def test_a_run_that_is_cut_short_leaves_nothing_behind(tmp_path: Path) -> None:
    needs("mosquitto")
    chaos = begin(tmp_path, "cut", "--seconds", "60", "--seed", "1", "--people", "clients")
    wait_until("the first fault", lambda: " s  " in said(tmp_path, "cut"), seconds=60)
    everything = list(tree(chaos.pid))
    home = home_of(everything)
    assert home.exists()

    chaos.send_signal(signal.SIGINT)

    assert chaos.wait(timeout=60) == 130
    wait_until("all to have ended", lambda: not any(map(is_there, everything)))
    assert not home.exists()
    assert f" {home} " not in Path("/proc/mounts").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--broker", "cluster", "--database", "sqlite"], "a cluster keeps everything in"),
        (["--seconds", "0"], "must be longer than nothing"),
        (["--minutes", "inf"], "must be longer than nothing, and have an end"),
        (["--json", "/nowhere/outcome.json"], "/nowhere/outcome.json: No such file or directory"),
        (["--keep", "/proc/nowhere"], "/proc/nowhere: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_nothing_begins(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("chaos", words) == 1

    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def begin(folder: Path, name: str, *words: str) -> "subprocess.Popen[bytes]":
    """A run in the background."""
    with (folder / f"{name}.said").open("wb") as output:
        command = [KATYDID, "chaos", *words, "--json", str(folder / f"{name}.json")]
        return subprocess.Popen(command, stdout=output, stderr=output)


def said(folder: Path, name: str) -> str:
    return (folder / f"{name}.said").read_text()


def outcome_of(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return found


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def home_of(pids: list[int]) -> Path:
    """The home of the installation that these run."""
    for pid in pids:
        for line in Path(f"/proc/{pid}/environ").read_text().split("\0"):
            name, _, value = line.partition("=")
            if name == "KATYDID_HOME":
                return Path(value)
    raise AssertionError("none of them has a home")
