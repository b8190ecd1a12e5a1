"""The broker that we start: filled from SQL at each start, open only when the bridge can hear."""

import resource
import subprocess
import time
from pathlib import Path

import pytest

from chat.models import Presence
from chat.settings import REPOSITORY
from chat.times import now
from chat.topics import down, down_filter, up
from chat.user_names import bridge_user_name
from cli.broker import configuration
from cli.mosquitto import mosquitto_program
from mqtt_acl.issuer import Credentials
from tests.cli.starting import processes_of
from tests.conftest import cannot_run
from tests.mqtt import Client
from tests.running import Installation, free_ports, is_listening, wait_until


@pytest.fixture
def talking(installation: Installation) -> Installation:
    """A broker that runs, with Alice and Bob registered; no bridge."""
    installation.register("alice", "bob")
    installation.start("broker")
    return installation


def say(installation: Installation, text: str) -> None:
    """Alice writes to Bob, and the broker says that it has it."""
    with Client(installation.settings, installation.new_device("alice")) as alice:
        assert not alice.publish(up("alice", "bob", "send"), text).is_failure


def wait_for_archive(installation: Installation, *texts: str) -> None:
    def has_come() -> bool:
        bodies = installation.rows("SELECT body FROM message ORDER BY seq")
        return bodies == [(text,) for text in texts]

    wait_until(f"the archive to hold {texts}", has_come)


def test_what_is_sent_before_the_first_bridge_ever_ran_is_kept(talking: Installation) -> None:
    say(talking, "is anybody there")

    talking.start("bridge")

    wait_for_archive(talking, "is anybody there")


def test_what_waits_for_the_bridge_survives_a_restart(talking: Installation) -> None:
    say(talking, "before the restart")
    talking.kill("broker", 15)
    talking.start("broker")
    say(talking, "after it")

    talking.start("bridge")

    wait_for_archive(talking, "before the restart", "after it")


@pytest.mark.parametrize("lost", [["mosquitto.db"], ["dynamic-security.json"], ["*"]])
def test_a_broker_that_lost_its_state_is_filled_again(
    talking: Installation, lost: list[str]
) -> None:
    device = talking.new_device("alice")
    talking.kill("broker")
    for pattern in lost:
        for file in talking.settings.broker_dir.glob(pattern):
            file.unlink()

    talking.start("broker")

    with Client(talking.settings, device) as alice:
        assert not alice.publish(up("alice", "bob", "send"), "as before").is_failure
    talking.start("bridge")
    wait_for_archive(talking, "as before")


@pytest.mark.parametrize("kept", [0, 20, 4096, -1])
def test_a_state_that_cannot_be_read_does_not_keep_the_broker_from_starting(
    talking: Installation, kept: int
) -> None:
    """A full disk cuts the file."""
    state = talking.settings.broker_dir / "mosquitto.db"
    say(talking, "lost " * 700)
    talking.kill("broker", 15)
    whole = state.read_bytes()
    assert len(whole) > 4096
    state.write_bytes(whole[:kept])

    talking.start("broker", "bridge")

    say(talking, "as before")
    wait_until(
        "the message in the archive",
        lambda: ("as before",) in talking.rows("SELECT body FROM message"),
    )


def test_a_state_that_was_put_aside_is_kept_and_said(talking: Installation) -> None:
    aside = talking.settings.broker_dir / "mosquitto.db.unreadable"
    aside.write_text("an older one")
    talking.kill("broker", 15)
    state = talking.settings.broker_dir / "mosquitto.db"
    cut = state.read_bytes()[:-100]
    state.write_bytes(cut)

    talking.start("broker")

    assert aside.read_bytes() == cut
    assert "which was put aside as mosquitto.db.unreadable" in talking.log("broker")


def test_a_broker_that_does_not_start_without_its_state_either_keeps_it(
    talking: Installation, tmp_path: Path
) -> None:
    talking.kill("broker", 15)
    state = talking.settings.broker_dir / "mosquitto.db"
    whole = state.read_bytes()
    broken = tmp_path / "programs" / "mosquitto"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o700)
    talking.environ["PATH"] = f"{broken.parent}:/usr/bin:/bin"

    talking.begin("broker")

    assert talking.process("broker").wait(timeout=15) == 2
    assert "it ended at once with status 3" in talking.log("broker")
    assert state.read_bytes() == whole


def test_what_the_broker_knows_is_what_sql_knows(talking: Installation) -> None:
    kept, removed = talking.new_device("alice"), talking.new_device("alice")
    talking.kill("broker")
    with talking.database.transaction() as connection:
        id = removed.user_name.partition(".")[2]
        connection.exec_driver_sql("DELETE FROM device WHERE id = ?", (id,))

    talking.start("broker")

    assert not Client(talking.settings, kept).connect().connect_reason.is_failure
    assert Client(talking.settings, removed).connect().connect_reason.is_failure


def test_nobody_is_online_at_a_broker_that_starts(talking: Installation) -> None:
    with talking.database.writing() as session:
        session.add(Presence(account_id=1, connection="a tab", since_at=now()))
    talking.kill("broker")

    talking.start("broker")

    assert talking.rows("SELECT * FROM presence") == []


def test_a_start_that_was_broken_off_leaves_no_broker_behind(installation: Installation) -> None:
    for patience in (0.3, 0.9, 1.2, 1.4):
        installation.begin("broker")
        time.sleep(patience)  # somewhere between its beginning and the open doors
        installation.kill("broker", 15)

        wait_until("its end", lambda: processes_of(installation.settings.home) == {})
    installation.start("broker", "bridge")


def test_the_state_of_the_broker_is_for_its_owner_alone(talking: Installation) -> None:
    for name in ("dynamic-security.json", "mosquitto.db"):
        talking.kill("broker", 15)
        assert (talking.settings.broker_dir / name).stat().st_mode & 0o077 == 0
        talking.start("broker")


def test_only_the_address_that_was_said_lets_anybody_in(talking: Installation) -> None:
    for port in (talking.settings.mqtt_port, talking.settings.websocket_port):
        wait_until(f"{port} to listen", lambda port=port: is_listening(port))
        # On Linux all of 127.0.0.0/8 is this machine: another address, as a network's would be.
        assert not is_listening(port, host="127.0.0.2")


def test_the_address_may_be_a_name(tmp_path: Path) -> None:
    named = Installation(tmp_path, KATYDID_HOST="localhost")
    named.start("broker")
    try:
        for port in (named.settings.mqtt_port, named.settings.websocket_port):
            wait_until(f"{port} to listen", lambda port=port: is_listening(port, host="localhost"))
    finally:
        named.stop_all()


def test_only_the_lines_of_the_installation_differ_from_the_file(
    installation: Installation,
) -> None:
    plain = (REPOSITORY / "mosquitto.conf").read_text().splitlines()
    ours = configuration(installation.settings).splitlines()

    marked = {n + 1 for n, line in enumerate(plain) if line.endswith("[installation]")}
    assert len(plain) == len(ours)
    assert {n for n in range(len(plain)) if plain[n] != ours[n]} <= marked
    assert f"listener {installation.settings.mqtt_port} 127.0.0.1" in ours
    assert f"listener {installation.settings.websocket_port} 127.0.0.1" in ours


def test_the_broker_takes_more_connections_than_a_login_may_have_files(
    installation: Installation,
) -> None:
    own, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(own, 1024), most))
    try:
        installation.start("broker")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (own, most))

    broker = installation.process("broker").pid
    assert resource.prlimit(broker, resource.RLIMIT_NOFILE) == (min(most, 100_000), most)


def test_what_waits_for_who_is_away_has_a_limit_in_bytes(talking: Installation) -> None:
    """With a smaller number than ours, which would take a while to fill."""
    alice = talking.new_device("alice")
    bridge = Credentials("-", bridge_user_name(0), talking.secrets.bridge_password)
    with Client(talking.settings, alice, clean=False) as away:
        away.subscribe(down_filter("alice"))
    talking.kill("broker", 15)
    config = talking.settings.broker_dir / "mosquitto.conf"
    ours = config.read_text()
    assert "\nmax_queued_bytes 134217728\n" in ours
    config.write_text(ours.replace("max_queued_bytes 134217728", "max_queued_bytes 100000"))
    broker = subprocess.Popen([mosquitto_program(), "-c", config])
    try:
        wait_until("mosquitto to listen", lambda: is_listening(talking.settings.mqtt_port))
        with Client(talking.settings, bridge, clean=False) as deliverer:
            for number in range(20):
                deliverer.publish(down("alice", "history"), {"n": number, "text": "x" * 20_000})

        with Client(talking.settings, alice, clean=False) as back:
            back.wait_for("history", lambda page: page["n"] == 4)
            with Client(talking.settings, bridge, clean=False) as deliverer:
                deliverer.publish(down("alice", "history"), {"n": 20})
            back.wait_for("history", lambda page: page["n"] == 20)
            assert [page["n"] for page in back.received("history")] == [0, 1, 2, 3, 4, 20]
    finally:
        broker.terminate()
        broker.wait(timeout=15)


def test_the_file_in_the_repository_is_valid_as_it_stands(
    talking: Installation, tmp_path: Path
) -> None:
    mqtt, websocket = free_ports(2)
    plain = (REPOSITORY / "mosquitto.conf").read_text()
    config = tmp_path / "plain.conf"
    config.write_text(
        plain.replace("listener 1883", f"listener {mqtt}").replace("9001", str(websocket))
    )
    if not Path(plain.partition("\nplugin ")[2].splitlines()[0]).exists():
        cannot_run("mosquitto's plugin is somewhere else on this system")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "broker").symlink_to(talking.settings.broker_dir)
    talking.kill("broker", 15)

    broker = subprocess.Popen([mosquitto_program(), "-c", config], cwd=tmp_path)
    try:
        wait_until("mosquitto to listen", lambda: is_listening(mqtt) and is_listening(websocket))
    finally:
        broker.terminate()
        broker.wait(timeout=15)
