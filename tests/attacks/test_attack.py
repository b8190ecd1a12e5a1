"""`./katydid attack` as a person runs it, on the mosquitto that the machine has: each row of the
table by itself, and a little nonsense at each door."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from attacks.attack import Attack
from attacks.cases import attacks
from attacks.nonsense import Nonsense
from attacks.nonsense_requests import Requests
from attacks.place import MOSQUITTO
from attacks.site_map import Route
from attacks.timing import mann_whitney
from bench.people import Person
from bench.processes import tree
from chat.settings import REPOSITORY
from chat.topics import down_filter, up
from tests.conftest import needs
from tests.running import wait_until

KATYDID = str(REPOSITORY / "katydid")
# Of a machine that is busy with other tests.
WITHIN_SECONDS = 1_500
ROWS = [each for each in attacks() if each.is_possible_at(MOSQUITTO)]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a whole run has found."""
    for program in ("mosquitto", "chromium"):
        needs(program)
    file = tmp_path_factory.mktemp("attack") / "found.json"
    done = subprocess.run(
        [KATYDID, "attack", "--works", "table", "fuzz", "--inputs", "150", "--json", str(file)],
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert file.exists(), done.stderr
    assert file.stat().st_size > 0, done.stderr[-5_000:]
    found: dict[str, Any] = json.loads(file.read_text())
    return found | {"status": done.returncode, "said": done.stdout}


@pytest.fixture(scope="module")
def seen(outcome: dict[str, Any]) -> Mapping[tuple[str, str], dict[str, Any]]:
    """By door and name."""
    return {(row["door"], row["name"]): row["seen"].get(MOSQUITTO) for row in outcome["table"]}


@pytest.mark.timeout(WITHIN_SECONDS + 60)
def test_a_run_ends_well_and_shows_its_table(outcome: dict[str, Any]) -> None:
    assert outcome["status"] == 0, outcome["said"]
    assert outcome["said"].count("\n| ") >= len(ROWS)
    assert "NOT held" not in outcome["said"]


@pytest.mark.parametrize("attack", ROWS, ids=lambda each: f"{each.door}: {each.name}")
def test_it_came_to_nothing(seen: Mapping[tuple[str, str], dict[str, Any]], attack: Attack) -> None:
    found = seen[attack.door, attack.name]

    assert found["held"] != (MOSQUITTO in attack.known), found["says"]


def test_nonsense_harms_nobody(outcome: dict[str, Any]) -> None:
    assert len(outcome["floods"]) == 5
    for flood in outcome["floods"]:
        assert flood["wrong"] == []
        assert flood["numbers"]["pair's texts, lost, doubled"].endswith(", 0, 0")


@pytest.mark.timeout(WITHIN_SECONDS)
def test_a_run_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    needs("mosquitto")
    words = [KATYDID, "attack", "--works", "fuzz", "--inputs", "10000000"]
    with subprocess.Popen(words, env=os.environ | {"TMPDIR": str(tmp_path)}) as run:

        def is_chatting() -> bool:
            return any("attacks.pair" in words_of(each) for each in tree(run.pid))

        wait_until("the pair to chat", is_chatting, seconds=300)
        started = list(tree(run.pid))
        run.terminate()
        run.wait(timeout=120)

    assert run.returncode == 1
    assert [words_of(each) for each in started if words_of(each)] == []
    assert list(tmp_path.iterdir()) == []


def words_of(process: int) -> str:
    """What it was started with; nothing for one that has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_the_same_seed_makes_the_same_nonsense() -> None:
    one, same, other = (_some_of_each(seed) for seed in (1, 1, 2))

    assert one == same
    assert one != other


def _some_of_each(seed: int) -> list[object]:
    person = Person("bob", "", 0, "bob.x", "secret", up("bob", "{to}", "send"), down_filter("bob"))
    nonsense = Nonsense(seed, person)
    requests = Requests(nonsense, [Route("/x/<name>", ["POST"], ["name", "kind"])], {}, "token")
    doors = (nonsense.published, nonsense.packet, nonsense.frame, nonsense.question)
    return [make() for make in (*doors, requests.request) for _ in range(50)]


@pytest.mark.parametrize(
    ("one", "other", "is_likely", "share"),
    [
        (range(100), range(100), True, 0.5),
        (range(100), range(1_000, 1_100), False, 0.0),
        (range(1_000, 1_100), range(100), False, 1.0),
    ],
)
def test_two_samples_are_told_apart(
    one: range, other: range, is_likely: bool, share: float
) -> None:
    chance, larger = mann_whitney([*map(float, one)], [each + 0.5 for each in other])

    assert (chance > 0.01) is is_likely
    assert larger == pytest.approx(share, abs=0.02)


def test_no_two_rows_are_called_alike() -> None:
    names = [(each.door, each.name) for each in attacks()]

    assert len(set(names)) == len(names)


def test_what_is_no_attack_is_one_sentence() -> None:
    done = subprocess.run(
        [KATYDID, "attack", "--cases", "juggling"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no attack is called anything like 'juggling'" in done.stderr
