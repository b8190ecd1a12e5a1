"""`./katydid up` on the real machine: it starts everything, keeps it alive, and ends it."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chat.topics import down_filter, up
from tests.cli.starting import Up, processes_of, run_up
from tests.conftest import needs
from tests.mqtt import Client
from tests.running import Installation, wait_until

STOPPING_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def new_up(home: Path, *, dialect: str = "sqlite") -> Up:
    for program in ("mosquitto", "npm"):
        needs(program)
    installation = Installation(home, dialect=dialect)
    installation.register("alice", "bob")
    return Up(installation)


def end(started: Up) -> None:
    started.end()
    for pid in processes_of(started.home):
        os.kill(pid, signal.SIGKILL)
    started.installation.stop_all()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One `up` for the tests that leave it as they find it."""
    started = new_up(tmp_path_factory.mktemp("home"))
    yield started
    end(started)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Up]:
    """An `up` for one test alone."""
    started = new_up(tmp_path)
    yield started
    end(started)


def assert_alice_reaches_bob(up_: Up, text: str) -> None:
    installation = up_.installation
    devices = [installation.new_device(name) for name in ("alice", "bob")]
    for device in devices:
        installation.issuer.issue(device)
    with (
        Client(installation.settings, devices[0]) as alice,
        Client(installation.settings, devices[1]) as bob,
    ):
        bob.subscribe(down_filter("bob"))
        assert not alice.publish(up("alice", "bob", "send"), text).is_failure
        bob.wait_for("message", lambda message: message["text"] == text)


def test_it_serves_the_page_whose_address_it_prints(running: Up) -> None:
    page = httpx.get(f"{running.url}/", follow_redirects=True)

    assert page.status_code == 200
    assert "Katydid" in page.text


def test_the_line_that_it_prints_writes_to_bob(running: Up) -> None:
    needs("mosquitto_pub")
    installation = running.installation
    alice, bob = installation.new_device("alice"), installation.new_device("bob")
    for device in (alice, bob):
        installation.issuer.issue(device)
    printed = re.search(r"^  (mosquitto_pub .*)$", running.said, re.MULTILINE)
    assert printed is not None
    line = (
        printed[1]
        .replace("alice.DEVICE", alice.user_name)
        .replace("DEVICE_PASSWORD", alice.password)
    )

    with Client(installation.settings, bob) as screen:
        screen.subscribe(down_filter("bob"))
        subprocess.run(shlex.split(line), check=True, timeout=15)

        assert screen.wait_for("message")["text"] == "Hello Bob"


def test_the_request_that_it_prints_makes_a_device(running: Up) -> None:
    printed = re.search(r"^  (curl .*)$", running.said, re.MULTILINE)
    assert printed is not None
    password = "alice has a password"
    httpx.post(
        f"{running.url}/api/v1/accounts", json={"account": "alicia", "password": password}
    ).raise_for_status()
    line = printed[1].replace("-u alice", f"--fail -su 'alicia:{password}'")

    answer = subprocess.run(shlex.split(line), check=True, capture_output=True, timeout=15).stdout

    assert b'"username":"alicia.' in answer.replace(b" ", b"")


@pytest.mark.parametrize("part", ["web", "bridge", "broker"])
def test_a_part_that_is_killed_comes_back(running: Up, part: str) -> None:
    running.kill(part)

    assert_alice_reaches_bob(running, f"after the end of the {part}")


def test_a_part_that_is_killed_again_and_again_is_not_given_up(running: Up) -> None:
    for _ in range(5):
        running.kill("bridge")

    assert_alice_reaches_bob(running, "after all of it")


def test_a_broker_whose_state_was_deleted_comes_back_with_it(running: Up) -> None:
    device = running.installation.new_device("alice")
    running.installation.issuer.issue(device)
    for file in running.installation.settings.broker_dir.iterdir():
        file.unlink()

    running.kill("broker")

    with Client(running.installation.settings, device) as alice:
        assert not alice.publish(up("alice", "bob", "send"), "as before").is_failure
    assert_alice_reaches_bob(running, "both as before")


def test_a_second_up_says_that_there_is_one(running: Up) -> None:
    second = run_up(running.installation.environ)

    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"runs already from {running.home}, as process {running.process.pid}" in second.stderr
    assert running.is_ready()


def test_what_an_installation_keeps_is_for_its_owner_alone(running: Up) -> None:
    open_to_others = [
        path
        for folder in ("secrets", "broker", "logs", "run")
        for path in [running.home / folder, *(running.home / folder).rglob("*")]
        if path.exists() and path.stat().st_mode & 0o077
    ]
    secrets = list((running.home / "secrets").iterdir())

    assert [path for path in secrets if path.stat().st_mode & 0o777 != 0o600] == []
    assert open_to_others == []


def test_no_secret_stands_in_a_command_line_or_a_log(running: Up) -> None:
    secrets = [path.read_text().strip() for path in (running.home / "secrets").iterdir()]
    seen = [*processes_of(running.home).values()]
    seen += [path.read_text() for path in (running.home / "logs").iterdir()]

    assert [text for text in seen if any(secret in text for secret in secrets)] == []


@pytest.mark.parametrize("number", STOPPING_SIGNALS, ids=lambda number: number.name)
def test_it_stops_all_that_it_started(started: Up, number: signal.Signals) -> None:
    assert started.end(number) == 0

    assert processes_of(started.home) == {}
    assert "Traceback" not in started.said


def test_a_child_that_does_not_listen_is_stopped_too(started: Up) -> None:
    bridge = started.process_of("bridge")
    assert bridge is not None
    os.kill(bridge, signal.SIGSTOP)  # it cannot hear SIGTERM now

    assert started.end() == 0

    assert processes_of(started.home) == {}


def test_nothing_lives_on_when_up_itself_is_killed(started: Up) -> None:
    started.process.kill()
    started.process.wait()

    wait_until("the end of all", lambda: processes_of(started.home) == {}, seconds=40)


def test_nothing_lives_on_when_the_supervisor_is_killed(started: Up) -> None:
    [supervisor] = [p for p, w in processes_of(started.home).items() if "cli.supervisor" in w]

    os.kill(supervisor, signal.SIGKILL)

    assert started.process.wait(timeout=45) == 1
    wait_until("the end of all", lambda: processes_of(started.home) == {}, seconds=40)
    assert "The supervisor ended by itself" in started.said


def test_a_broker_that_runs_elsewhere_is_made_to_agree(installation: Installation) -> None:
    installation.register("alice", "bob")
    installation.start("broker")
    device = installation.new_device("alice")
    installation.issuer.revoke(device.user_name)
    installation.environ["KATYDID_MQTT_HOST"] = "127.0.0.1"

    started = Up(installation)

    try:
        with Client(installation.settings, device) as alice:
            assert not alice.publish(up("alice", "bob", "send"), "as SQL says").is_failure
        assert_alice_reaches_bob(started, "by a broker that was there before")
    finally:
        started.end()
    assert list(processes_of(started.home)) == [installation.process("broker").pid]


def test_a_broker_elsewhere_that_does_not_answer_is_said_to_be_away(tmp_path: Path) -> None:
    environ = Installation(tmp_path).environ | {"KATYDID_MQTT_HOST": "127.0.0.1"}

    answer = run_up(environ)

    assert answer.returncode == 1
    assert "The broker cannot be told just now" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_second_start_finds_everything_as_it_was(started: Up) -> None:
    assert_alice_reaches_bob(started, "before")
    started.end()

    again = Up(started.installation)

    assert_alice_reaches_bob(again, "after")
    assert started.installation.rows("SELECT body FROM message ORDER BY seq") == [
        ("before",),
        ("after",),
    ]
    assert "installing" not in again.said
    again.end()


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Up]:
    """An `up` whose database is on a server."""
    needs("initdb")
    started = new_up(tmp_path, dialect="postgresql")
    yield started
    end(started)


def test_it_runs_on_postgresql_and_keeps_the_password_to_itself(on_postgresql: Up) -> None:
    assert_alice_reaches_bob(on_postgresql, "by another database")

    installation = on_postgresql.installation
    password = installation.database.url.split(":")[2].partition("@")[0]
    assert installation.rows("SELECT body FROM message") == [("by another database",)]
    told = [on_postgresql.said, *processes_of(on_postgresql.home).values()]
    written = [
        file.read_bytes().decode(errors="replace")
        for file in on_postgresql.home.rglob("*")
        if file.is_file()
    ]
    assert not [text for text in told + written if password in text]
