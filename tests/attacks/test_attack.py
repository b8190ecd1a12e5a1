"""`./katydid attack` as a person runs it, on the mosquitto that the machine has: each row of the
table by itself."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from attacks.attack import Attack
from attacks.cases import attacks
from attacks.place import MOSQUITTO
from chat.settings import REPOSITORY
from tests.conftest import needs

KATYDID = str(REPOSITORY / "katydid")
WITHIN_SECONDS = 240
ROWS = [each for each in attacks() if each.is_possible_at(MOSQUITTO)]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a whole run has found."""
    for program in ("mosquitto", "chromium"):
        needs(program)
    file = tmp_path_factory.mktemp("attack") / "found.json"
    done = subprocess.run(
        [KATYDID, "attack", "--json", str(file)],
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert file.exists(), done.stderr
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


def test_no_two_rows_are_called_alike() -> None:
    names = [(each.door, each.name) for each in attacks()]

    assert len(set(names)) == len(names)


def test_what_is_no_attack_is_one_sentence() -> None:
    done = subprocess.run(
        [KATYDID, "attack", "--cases", "juggling"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no attack is called anything like 'juggling'" in done.stderr
