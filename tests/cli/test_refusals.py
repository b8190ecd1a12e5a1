"""What stops `./katydid` before it starts anything: one sentence each, and never a traceback."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chat.settings import REPOSITORY
from cli import programs
from cli.free_ports import free_ports
from cli.programs import ProgramMissing, bring_program
from tests.cli.starting import assert_refused, run_up
from tests.ports import taken


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    http, mqtt, websocket = free_ports(3)
    return {
        "KATYDID_HOME": str(tmp_path / "home"),
        "KATYDID_HTTP_PORT": str(http),
        "KATYDID_MQTT_PORT": str(mqtt),
        "KATYDID_WEBSOCKET_PORT": str(websocket),
    }


def assert_up_is_refused(environ: dict[str, str], *words: str, status: int) -> None:
    assert_refused(run_up(environ), *words, status=status, home=environ["KATYDID_HOME"])


@pytest.mark.parametrize(
    "name", ["KATYDID_HTTP_PORT", "KATYDID_MQTT_PORT", "KATYDID_WEBSOCKET_PORT"]
)
def test_a_taken_port_is_named_with_its_setting(environ: dict[str, str], name: str) -> None:
    with taken(int(environ[name])):
        assert_up_is_refused(environ, environ[name], name, "is taken", status=1)


def test_two_listeners_cannot_share_a_port(environ: dict[str, str]) -> None:
    environ["KATYDID_MQTT_PORT"] = environ["KATYDID_HTTP_PORT"]

    assert_up_is_refused(environ, "KATYDID_HTTP_PORT", "KATYDID_MQTT_PORT", status=2)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KATYDID_HTTP_PORT", "eighty", "from 1 to 65535"),
        ("KATYDID_HOST", "192.0.2.1", "no address of this machine"),
        ("KATYDID_HOST", "no.such.host.invalid", "no address is known"),
        ("KATYDID_BROKER", "kafka", "mosquitto or rabbitmq"),
        ("KATYDID_BROKER", "rabbitmq", "KATYDID_MQTT_HOST must say where it runs"),
        ("KATYDID_REGISTRATION", "maybe", "open, invite or closed"),
    ],
)
def test_a_bad_setting_is_named_with_what_is_allowed(
    environ: dict[str, str], name: str, value: str, says: str
) -> None:
    assert_up_is_refused({**environ, name: value}, name, says, status=2)


def test_an_unwritable_home_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # where not even root can make a folder
    home = tmp_path / "file" / "home"

    assert_up_is_refused(
        {**environ, "KATYDID_HOME": str(home)}, "KATYDID_HOME", str(home), status=1
    )


def test_a_home_that_it_makes_is_for_its_owner_alone(environ: dict[str, str]) -> None:
    with taken(int(environ["KATYDID_HTTP_PORT"])):
        run_up(environ)

    assert Path(environ["KATYDID_HOME"]).stat().st_mode & 0o777 == 0o700


def test_a_database_that_is_none_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "no.db"
    file.write_bytes(b"this is not a database, though it is long enough to be one" * 20)
    environ["KATYDID_DATABASE_URL"] = f"sqlite:///{file}"

    answer = run_up(environ)

    assert answer.returncode == 1
    assert f"{file} fails: file is not a database." in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_database_server_that_does_not_answer_is_named_without_its_password(
    environ: dict[str, str],
) -> None:
    [port] = free_ports(1)
    environ["KATYDID_DATABASE_URL"] = f"postgresql+psycopg://alice:a-secret@127.0.0.1:{port}/chat"

    answer = run_up(environ)

    assert answer.returncode == 1
    assert f"postgresql+psycopg://alice:***@127.0.0.1:{port}/chat fails: Conn" in answer.stderr
    assert "a-secret" not in answer.stderr
    assert "Traceback" not in answer.stderr


def test_tables_of_a_later_version_are_left_alone(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "later.db"
    later = (
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
        "INSERT INTO alembic_version VALUES ('9999')"
    )
    subprocess.run(
        [
            "python3",
            "-c",
            f"import sqlite3; sqlite3.connect({str(file)!r}).executescript({later!r})",
        ],
        check=True,
    )
    environ["KATYDID_DATABASE_URL"] = f"sqlite:///{file}"

    answer = run_up(environ)

    assert answer.returncode == 1
    assert "cannot be brought to this version" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_up_takes_no_arguments(environ: dict[str, str]) -> None:
    answer = run_up(environ, "--port", "80")

    assert answer.returncode == 1
    assert "environment variables" in answer.stderr


@pytest.mark.parametrize(("words", "status"), [([], 2), (["upp"], 2), (["--help"], 0)])
def test_wrong_words_are_answered_with_the_right_ones(words: list[str], status: int) -> None:
    answer = subprocess.run(
        [str(REPOSITORY / "katydid"), *words], capture_output=True, text=True, timeout=15
    )

    assert answer.returncode == status
    assert "./katydid up" in (answer.stdout if status == 0 else answer.stderr)


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """A fresh clone's launcher, and a PATH with a shell's everyday programs and nothing else."""
    for file in ("katydid", "requirements.lock"):
        shutil.copy(REPOSITORY / file, tmp_path)
    programs_folder = tmp_path / "bin"
    programs_folder.mkdir()
    for name in ("cat", "cksum", "dirname", "readlink", "id", "sh"):
        (programs_folder / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def run_bare(machine: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [machine / "katydid", "up"],
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        timeout=30,
    )


def install(machine: Path, name: str, script: str) -> None:
    program = machine / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_machine_without_python_is_told_so(bare_machine: Path) -> None:
    answer = run_bare(bare_machine)

    assert answer.returncode == 1
    assert answer.stderr.startswith("katydid: Python 3.11 or newer is needed")
    assert answer.stderr.count("\n") == 1


def test_a_python_that_is_too_old_is_named(bare_machine: Path) -> None:
    install(bare_machine, "python3", "case $1 in -V) echo Python 3.9.2 ;; *) exit 1 ;; esac")

    answer = run_bare(bare_machine)

    assert answer.returncode == 1
    assert "Python 3.11 or newer is needed, and here is Python 3.9.2" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_python_without_venv_is_explained_where_there_is_no_apt(bare_machine: Path) -> None:
    install(
        bare_machine,
        "python3",
        "case $2 in *ensurepip*) exit 1 ;; *-venv*) echo python3.11-venv ;; esac",
    )

    answer = run_bare(bare_machine)

    assert answer.returncode == 1
    assert "cannot make virtual environments" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_where_nothing_can_install_mosquitto_a_person_is_told_how(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda *_, **__: None)

    with pytest.raises(ProgramMissing, match="brew install mosquitto, or sudo dnf install"):
        bring_program("mosquitto", package="mosquitto")


def test_an_ordinary_user_without_sudo_is_told_what_root_can_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apt_alone = {"apt-get": "/usr/bin/apt-get"}
    monkeypatch.setattr(programs.shutil, "which", lambda name, **_: apt_alone.get(name))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(ProgramMissing, match="root can install it so: apt-get install mosquitto"):
        bring_program("mosquitto", package="mosquitto")


def test_a_program_that_apt_does_not_have_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_folder = tmp_path / "bin"
    install_folder.mkdir()
    install(
        tmp_path,
        "apt-get",
        "case $* in *update*) ;; *) echo 'E: Unable to locate' >&2; exit 100 ;; esac",
    )
    install(tmp_path, "sudo", '[ "$1" = -n ] && shift; "$@"')
    monkeypatch.setenv("PATH", str(install_folder), prepend=os.pathsep)
    monkeypatch.setattr(programs, "_POLICY", tmp_path / "policy-rc.d")

    with pytest.raises(ProgramMissing, match="apt-get could not install it: E: Unable to locate"):
        bring_program("no-such-program", package="no-such-package")

    assert not (tmp_path / "policy-rc.d").exists()
