"""`./katydid secrets`, `migrate` and `prepare`: for programs that are started one by one."""

import os
import subprocess
from pathlib import Path

import pytest

from chat.database import Database
from chat.secrets import load_secrets
from chat.settings import REPOSITORY, settings_from
from mqtt_acl.http_auth import door_path


def run(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(REPOSITORY / "katydid"), *words],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    first = run("secrets", str(folder))
    made = {path.name: path.read_text() for path in folder.iterdir()}
    second = run("secrets", str(folder))

    assert (first.returncode, second.returncode) == (0, 0)
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert len({*made.values()}) == len(made)
    assert [text for text in made.values() if text.strip() in first.stderr] == []


def test_the_secrets_are_those_that_programs_read(tmp_path: Path) -> None:
    run("secrets", str(tmp_path / "secrets"))

    secrets = load_secrets(settings_from({"KATYDID_HOME": str(tmp_path)}))

    word = (tmp_path / "secrets" / "door_word").read_text().strip()
    assert door_path(secrets) == f"/{word}"
    password = (tmp_path / "secrets" / "database_password").read_text().strip()
    assert (tmp_path / "secrets" / "pgpass").read_text() == f"*:*:*:katydid:{password}\n"


def test_one_that_was_lost_is_made_again_and_the_others_stay(tmp_path: Path) -> None:
    run("secrets", str(tmp_path))
    key = (tmp_path / "server_key").read_text()
    (tmp_path / "erlang_cookie").unlink()

    assert "erlang_cookie" in run("secrets", str(tmp_path)).stderr

    assert (tmp_path / "server_key").read_text() == key
    assert (tmp_path / "erlang_cookie").exists()


@pytest.mark.parametrize("words", [[], ["one", "two"], ["--help"]])
def test_a_folder_has_to_be_named(words: list[str]) -> None:
    answer = run("secrets", *words)

    assert answer.returncode == 1
    assert "./katydid secrets FOLDER" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_migrate_brings_the_tables_and_a_second_time_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/katydid.db"

    answers = [run("migrate", KATYDID_DATABASE_URL=url) for _ in range(2)]

    assert [answer.returncode for answer in answers] == [0, 0], answers[0].stderr
    Database(url).check()


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    url = "postgresql+psycopg://katydid:hidden-word@127.0.0.1:1/katydid"

    answer = run("migrate", KATYDID_DATABASE_URL=url)

    assert answer.returncode == 1
    assert "127.0.0.1:1/katydid fails: " in answer.stderr
    assert "hidden-word" not in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_prepare_says_when_nothing_is_missing(tmp_path: Path) -> None:
    answer = run("prepare", KATYDID_HOME=str(tmp_path))

    assert answer.returncode == 0, answer.stderr
    assert "everything is there" in answer.stderr
    assert list(tmp_path.iterdir()) == []
