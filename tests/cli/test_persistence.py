"""How mosquitto keeps what waits: at once where it came with its plugin persist-sqlite, every ten
seconds where it did not; and neither loses what the other kept."""

import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chat.topics import down, down_filter, up, up_filter
from chat.user_names import bridge_user_name
from cli.broker import configuration
from cli.broker_state import prepare_state
from cli.doctor.queues import check_queues
from cli.kept_sessions import StateUnreadable, read_sessions
from cli.mosquitto import BrokerNotReady
from mqtt_acl.issuer import Credentials
from tests.brokers import NewerMosquitto
from tests.cli.doctor.asking import found_by, says
from tests.conftest import needs
from tests.mqtt import Client
from tests.running import Installation, wait_until

SHARDS = range(16)

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewerMosquitto]:
    """With mosquitto 2.1, and Alice, Bob and Carol registered; nothing runs."""
    needs("mosquitto")
    installation = NewerMosquitto(tmp_path_factory.mktemp("installation"))
    installation.register("alice", "bob", "carol")
    yield installation
    installation.stop_all()


@pytest.fixture
def newer(installed: NewerMosquitto) -> Iterator[NewerMosquitto]:
    """A broker that runs and keeps nothing yet; no bridge."""
    installed.start("broker")
    yield installed
    installed.kill_all()
    for file in installed.settings.broker_dir.glob("mosquitto.*"):
        file.unlink()
    (installed.settings.home / "broker.log").unlink()


def say(installation: Installation, *texts: str) -> None:
    """Alice writes to Bob, and the broker says that it has all of it."""
    with Client(installation.settings, installation.new_device("alice")) as alice:
        for text in texts:
            assert not alice.publish(up("alice", "bob", "send"), text).is_failure


def wait_for_archive(installation: Installation, *texts: str) -> None:
    def has_come() -> bool:
        bodies = [body for [body] in installation.rows("SELECT body FROM message ORDER BY seq")]
        return [body for body in bodies if body in texts] == list(texts)

    wait_until(f"the archive to hold {texts}", has_come)


def waits_for_the_bridge(installation: Installation) -> list[str]:
    """Ends the broker, and reads its file."""
    installation.kill("broker")
    sessions = read_sessions(installation.settings.broker_dir / "mosquitto.sqlite3")
    waiting = [each for session in sessions for each in session.waiting]
    return [each.payload.decode() for each in waiting]


def deliver(installation: Installation, *numbers: int) -> None:
    """As the bridge does, to all of Bob's devices."""
    bridge = Credentials("-", bridge_user_name(0), installation.secrets.bridge_password)
    with Client(installation.settings, bridge, clean=False) as deliverer:
        for number in numbers:
            deliverer.publish(down("bob", "message"), {"seq": number})


def heard(installation: Installation, device: Credentials, *, count: int) -> list[int]:
    """What waited for a device that comes back, in its order."""
    with Client(installation.settings, device, clean=False) as back:
        wait_until("what waited", lambda: len(back.messages) >= count)
        assert back.session_present
        return [json.loads(message.payload)["seq"] for message in back.messages]


def test_what_the_broker_acknowledged_survives_its_kill_where_it_has_the_plugin(
    newer: NewerMosquitto,
) -> None:
    say(newer, *(f"text {number}" for number in range(20)))

    newer.kill("broker", signal.SIGKILL)
    newer.start("broker", "bridge")

    wait_for_archive(newer, *(f"text {number}" for number in range(20)))


def test_the_plugin_is_used_where_mosquitto_is_new_enough_and_has_it(
    installed: NewerMosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = configuration(installed.settings)
    monkeypatch.setenv("PATH", installed.environ_of("broker")["PATH"])
    with_plugin = configuration(installed.settings)
    plugin = installed.programs / "mosquitto_persist_sqlite.so"
    monkeypatch.setattr("cli.mosquitto._PERSIST_SQLITE", "nowhere.so")
    without_plugin = configuration(installed.settings)

    assert "\npersistence true\n" in older
    assert "persist_sqlite.so" not in older
    assert f"\nplugin {plugin}\n" in with_plugin
    assert "\nplugin_opt_flush_period 0\n" in with_plugin
    assert "\npersistence true\n" not in with_plugin
    assert without_plugin == older


def test_the_doctor_says_which_of_the_two_governs(
    installed: NewerMosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = installed.settings.broker_dir / "mosquitto.conf"
    file.parent.mkdir(exist_ok=True)
    with monkeypatch.context() as newer_first:
        newer_first.setenv("PATH", installed.environ_of("broker")["PATH"])
        file.write_text(configuration(installed.settings))
        says(found_by(check_queues, installed.environ), "ok", "mosquitto.sqlite3 as it comes")

        late = file.read_text().replace("flush_period 0", "flush_period 5")
        file.write_text(late)
        says(found_by(check_queues, installed.environ), "wrong", "plugin_opt_flush_period is 5")
    file.write_text(configuration(installed.settings))

    says(found_by(check_queues, installed.environ), "ok", "mosquitto.db every 10 s")


def test_a_last_will_that_is_not_granted_is_not_sent_by_a_broker_that_starts_either(
    newer: NewerMosquitto,
) -> None:
    """The plugin would send all wills without asking, at each start."""
    bob = newer.new_device("bob")
    with Client(newer.settings, bob, clean=False) as away:
        away.subscribe(down_filter("bob"))
    forged = (down("bob", "message"), b'{"seq": 666}')
    for number in (signal.SIGKILL, signal.SIGTERM):
        carol = Client(newer.settings, newer.new_device("carol"), will=forged).connect()
        assert not carol.connect_reason.is_failure

        newer.kill("broker", number)
        newer.start("broker")

        deliver(newer, number)
        assert heard(newer, bob, count=1) == [number]


def test_a_session_in_use_for_longer_than_it_may_be_away_is_there_after_a_restart(
    newer: NewerMosquitto,
) -> None:
    """The plugin leaves the time at which it would have ended, had its client not come back."""
    say(newer, "still here")
    newer.kill("broker")
    with closing(sqlite3.connect(newer.settings.broker_dir / "mosquitto.sqlite3")) as state, state:
        changed = state.execute("UPDATE clients SET session_expiry_time = 1700000000").rowcount
    assert changed == len(SHARDS)

    newer.start("broker")

    assert waits_for_the_bridge(newer) == ["still here"]


def test_a_broken_state_in_sqlite_is_put_aside(newer: NewerMosquitto) -> None:
    """mosquitto would restore a part of this one, without a word."""
    state = newer.settings.broker_dir / "mosquitto.sqlite3"
    say(newer, "lost " * 700)
    newer.kill("broker", signal.SIGTERM)
    whole = state.read_bytes()
    state.write_bytes(whole[:4096] + b"\xff" * 12288 + whole[16384:])

    newer.start("broker")

    assert "put aside as mosquitto.sqlite3.unreadable" in newer.log("broker")
    say(newer, "as before")
    assert waits_for_the_bridge(newer) == ["as before"]


def test_what_is_no_state_in_sqlite_is_told_apart_from_a_disk_that_fails(tmp_path: Path) -> None:
    nothing, locked = tmp_path / "mosquitto.sqlite3", tmp_path / "in_use" / "mosquitto.sqlite3"
    nothing.write_text("no database")
    locked.parent.mkdir()
    with closing(sqlite3.connect(locked)) as user:
        user.execute("CREATE TABLE wills (client_id)")
        user.execute("CREATE TABLE clients (session_expiry_time)")
        user.execute("BEGIN EXCLUSIVE")

        with pytest.raises(BrokerNotReady):
            prepare_state(locked)
    with pytest.raises(StateUnreadable):
        prepare_state(nothing)
    prepare_state(tmp_path / "nowhere" / "mosquitto.sqlite3")


def test_the_state_in_sqlite_is_for_its_owner_alone(newer: NewerMosquitto) -> None:
    say(newer, "private")

    files = list(newer.settings.broker_dir.glob("mosquitto.sqlite3*"))

    assert len(files) >= 2
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


@pytest.mark.parametrize("upgrade", [True, False], ids=["upgrade", "going back"])
def test_what_waits_is_taken_over_when_mosquitto_gets_the_plugin_or_loses_it(
    newer: NewerMosquitto, upgrade: bool
) -> None:
    """For the bridge, and for each of Bob's devices what waits for that one."""
    if upgrade:
        newer.kill("broker")
        newer.start_older()
    early, late = newer.new_device("bob"), newer.new_device("bob")
    with Client(newer.settings, early, clean=False) as away:
        away.subscribe(down_filter("bob"))
    deliver(newer, 1, 2)
    with Client(newer.settings, late, clean=False) as away:
        away.subscribe(down("bob", "message"))
    deliver(newer, 3)
    say(newer, "for the bridge", "the same in ünicode")
    newer.kill("broker", signal.SIGTERM)
    before, after = ("mosquitto.db", "mosquitto.sqlite3")[:: 1 if upgrade else -1]
    assert (newer.settings.broker_dir / before).exists()

    if upgrade:
        newer.start("broker")
    else:
        newer.start_older()

    assert "sessions, in which 6 messages wait" in newer.log("broker")
    assert not list(newer.settings.broker_dir.glob(f"{before}*"))
    assert heard(newer, early, count=3) == [1, 2, 3]
    assert heard(newer, late, count=1) == [3]
    newer.start("bridge")
    wait_for_archive(newer, "for the bridge", "the same in ünicode")
    assert newer.settings.broker_dir.joinpath(after).exists()


def test_what_a_session_keeps_is_read_alike_from_either_file(newer: NewerMosquitto) -> None:
    read = []
    bob = newer.new_device("bob")
    properties = {"ResponseTopic": "a/b", "CorrelationData": b"\x00\xff", "ContentType": "text"}
    for begin in (lambda: None, newer.start_older):
        begin()
        with Client(newer.settings, bob, clean=False) as away:
            away.subscribe(down_filter("bob"))
        bridge = Credentials("-", bridge_user_name(0), newer.secrets.bridge_password)
        with Client(newer.settings, bridge, clean=False) as deliverer:
            deliverer.publish(down("bob", "message"), "ünicode", **properties)
            deliverer.publish(down("bob", "message"), b"")
        newer.kill("broker", signal.SIGTERM)
        [state] = newer.settings.broker_dir.glob("mosquitto.[ds]*")
        kept = (each for each in read_sessions(state) if not each.client_id.startswith("_admin"))
        sessions = {each.client_id: each for each in kept}  # less those of who makes devices
        read.append(sessions)
        state.unlink()

    # The plugin keeps how long the session lasts as it was said at first.
    for sessions in read:
        assert sessions[bridge_user_name(0)].expiry_seconds in (3600, 0xFFFFFFFF)
        sessions[bridge_user_name(0)].expiry_seconds = 0
    assert read[0] == read[1]
    assert [each.payload for each in read[0][bob.user_name].waiting] == ["ünicode".encode(), b""]
    assert b"a/b" in read[0][bob.user_name].waiting[0].properties
    assert list(read[0][bridge_user_name(7)].filters) == [up_filter(7)]


@pytest.mark.parametrize(
    "cut", [lambda _: b"", lambda whole: whole[:-1], lambda whole: b"x" + whole]
)
def test_a_file_that_is_not_whole_is_not_half_read(
    tmp_path: Path, cut: Callable[[bytes], bytes]
) -> None:
    whole = b"\x00\xb5\x00mosquitto db" + bytes(4) + b"\x00\x00\x00\x06"
    whole += b"\x00\x00\x00\x01\x00\x00\x00\x10" + bytes(16)
    file = tmp_path / "mosquitto.db"
    file.write_bytes(whole)
    assert read_sessions(file) == []
    file.write_bytes(cut(whole))

    with pytest.raises(StateUnreadable):
        read_sessions(file)
