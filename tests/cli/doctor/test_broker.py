"""`./katydid doctor` with a broker: what devices may do is tried for real, all that was made for it
is gone afterwards, and a broker that is really open, broken or away is told."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from chat.accounts import DOCTORS
from chat.doctor_accounts import close_doctor_accounts, open_doctor_accounts
from chat.times import now
from cli.doctor.bridges import check_archive_lag, check_leases
from cli.doctor.broker import check_broker
from cli.free_ports import free_ports
from cli.home import held_home
from mqtt_acl.issuer import Credentials
from mqtt_acl.mosquitto import DynamicSecurityIssuer
from tests.cli.doctor.asking import COMMAND, all_ok, as_json, found_by, says
from tests.conftest import needs
from tests.people import add_device
from tests.ports import is_listening
from tests.running import REPOSITORY, Installation, wait_until
from tests.web.site import execute


@pytest.fixture(scope="module")
def running(shared_bridge: Installation) -> Installation:
    """A broker and a bridge."""
    return shared_bridge


def left_of_doctors(installation: Installation) -> list[tuple[object, ...]]:
    """What a doctor made, and was not taken back."""
    doctors = "(SELECT id FROM account WHERE kind = 'doctor')"
    return [
        *installation.rows(f"SELECT id FROM device WHERE account_id IN {doctors}"),
        *installation.rows(f"SELECT conversation_id FROM member WHERE account_id IN {doctors}"),
        *installation.rows(f"SELECT conversation_id FROM message WHERE sender_id IN {doctors}"),
        *installation.rows(
            "SELECT name FROM account WHERE kind = 'doctor' AND deleted_at IS NULL ORDER BY name"
        ),
    ]


def clients_at_broker(installation: Installation) -> set[str]:
    [answer] = installation.issuer._ask([{"command": "listClients"}])
    return set(answer["data"]["clients"])


def test_a_sound_installation_is_found_sound_and_nothing_is_left(running: Installation) -> None:
    before = clients_at_broker(running)

    status, findings = as_json(running.environ)

    assert (status, [each for each in findings if each["level"] == "wrong"]) == (0, [])
    told = " ".join(each["says"] for each in findings)
    for words in ("MQTT 5 at", "MQTT 3.1.1 at", "(WebSocket)", "All was refused", "was archived"):
        assert words in told
    assert "revoked device was cut off at once" in told
    assert left_of_doctors(running) == []
    assert clients_at_broker(running) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_takes_back_what_it_made(running: Installation, number: int) -> None:
    before = clients_at_broker(running)
    doctor = subprocess.Popen(
        COMMAND, cwd=REPOSITORY, env=os.environ | running.environ, stdout=subprocess.PIPE
    )
    wait_until("two devices of the doctor", lambda: len(clients_at_broker(running) - before) == 2)

    doctor.send_signal(number)
    doctor.communicate(timeout=30)

    assert doctor.returncode in (130, 143)
    assert left_of_doctors(running) == []
    assert clients_at_broker(running) == before


def test_what_a_killed_doctor_left_is_taken_back_by_the_next(running: Installation) -> None:
    with running.database.writing() as session:
        open_doctor_accounts(session, now())
    left = running.new_device(DOCTORS[1])
    just_now = add_device(running.database, running.secrets, DOCTORS[0])
    made_at = int((now() - timedelta(hours=1)).timestamp() * 1000)
    old, young = (each.user_name.partition(".")[2] for each in (left, just_now))
    execute(running, "UPDATE device SET created_at = :at WHERE id = :id", at=made_at, id=old)

    assert all_ok(found_by(check_broker, running.environ))

    assert left.user_name not in clients_at_broker(running)
    # The young one is another doctor's, who is still at work.
    assert left_of_doctors(running)[0] == (young,)
    running.revoke(just_now)
    assert close_doctor_accounts(running.database, now())
    assert left_of_doctors(running) == []


@contextmanager
def open_to_all(installation: Installation, **access: bool) -> Iterator[None]:
    """The broker grants what no role does, for a while."""
    closed = {"publishClientSend": False, "subscribe": False}

    def set_access(access: dict[str, bool]) -> None:
        acls = [{"acltype": kind, "allow": allow} for kind, allow in access.items()]
        installation.issuer._ask([{"command": "setDefaultACLAccess", "acls": acls}])

    set_access(closed | access)
    yield
    set_access(closed)


def test_a_broker_that_lets_devices_listen_to_all_is_told(running: Installation) -> None:
    with open_to_all(running, subscribe=True):
        found = found_by(check_broker, running.environ)

    for version in ("5", "3.1.1"):
        for topic_filter in ("#", "$SYS/#", "chat/v1/down/katydid-patient/message"):
            says(found, "wrong", f"subscribe to {topic_filter} (MQTT {version})")
    assert not [each for each in found if each.level == "wrong" and "publishes" in each.says]


def test_a_broker_that_lets_devices_forge_is_told(running: Installation) -> None:
    with open_to_all(running, publishClientSend=True):
        found = found_by(check_broker, running.environ)

    says(found, "wrong", "publishes to chat/v1/down/katydid-patient/message (MQTT 5)")
    says(found, "wrong", "hands on what a device publishes to another's topics")


def test_a_device_that_is_bound_to_no_client_id_is_told(
    running: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mqtt_acl import mosquitto

    # An issuer that forgets it: with the client id of another, one gets its messages.
    def unbound(credentials: Credentials) -> dict[str, object]:
        described = dict(device_client(credentials))
        del described["clientid"]
        return described

    device_client = mosquitto.device_client
    monkeypatch.setattr(mosquitto, "device_client", unbound)

    says(found_by(check_broker, running.environ), "wrong", "another's client id", "(MQTT 5)")


def test_a_door_that_the_broker_does_not_have_is_told(running: Installation) -> None:
    [nobody] = free_ports(1)

    found = found_by(check_broker, running.environ | {"KATYDID_WEBSOCKET_PORT": str(nobody)})

    for version in ("5", "3.1.1"):
        says(found, "wrong", f"MQTT {version} at", "(WebSocket)")
        says(found, "ok", f"MQTT {version} at", "(TCP)")
    assert left_of_doctors(running) == []


def test_a_revoked_device_that_stays_in_is_told(
    running: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = clients_at_broker(running)
    with monkeypatch.context() as patched:
        # An issuer that tells the broker nothing.
        patched.setattr(DynamicSecurityIssuer, "revoke", lambda _self, _user_name: None)
        found = found_by(check_broker, running.environ)

    says(found, "wrong", "A revoked device comes in again")
    for user_name in clients_at_broker(running) - before:
        running.issuer.revoke(user_name)


def test_a_message_that_does_not_arrive_though_a_bridge_runs_is_told(
    running: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.doctor.broker._ARCHIVED_WITHIN_SECONDS", 0.3)
    running.process("bridge").send_signal(signal.SIGSTOP)
    try:
        found = found_by(check_broker, running.environ)
    finally:
        running.process("bridge").send_signal(signal.SIGCONT)

    told = says(found, "wrong", "has not arrived", "though a bridge runs")
    assert "bridge.log" in (told.advice or "")


def test_shards_that_a_bridge_serves_are_fine(running: Installation) -> None:
    assert all_ok(found_by(check_leases, running.environ))


# What is away, or another's.


def test_a_broker_that_does_not_run_is_wrong_while_others_do(installation: Installation) -> None:
    says(found_by(check_broker, installation.environ), "skipped", "does not run")

    with held_home(installation.settings):
        says(found_by(check_broker, installation.environ), "wrong", "Nobody listens")


def test_a_bridge_that_is_away_is_wrong_where_one_should_run(installation: Installation) -> None:
    says(found_by(check_leases, installation.environ), "skipped", "nothing runs")
    installation.start("broker")
    says(found_by(check_broker, installation.environ), "skipped", "No bridge runs")

    with held_home(installation.settings):
        says(found_by(check_leases, installation.environ), "wrong", "no bridge has served these")
        says(found_by(check_broker, installation.environ), "wrong", "No bridge runs")

    assert left_of_doctors(installation) == []


@pytest.fixture
def anybodys_broker(installation: Installation, tmp_path: Path) -> Iterator[Installation]:
    """A mosquitto as Debian starts it, that knows nothing of devices and lets everybody in."""
    port = installation.settings.mqtt_port
    configuration = tmp_path / "anybodys.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    broker = subprocess.Popen([needs("mosquitto"), "-c", str(configuration)])
    wait_until("the broker to listen", lambda: is_listening(port))
    yield installation
    broker.terminate()
    broker.wait(timeout=15)


def test_a_broker_without_rights_is_told(
    anybodys_broker: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mqtt_acl.mosquitto._ANSWER_WITHIN_SECONDS", 0.3)  # it will not come

    found = found_by(check_broker, anybodys_broker.environ)

    says(found, "wrong", "cannot be told who may do what")
    says(found, "wrong", "lets in who has no credential (MQTT 5)")
    says(found, "wrong", "lets in who has a wrong password (MQTT 3.1.1)")
    assert left_of_doctors(anybodys_broker) == []


def test_what_the_bridge_counts_as_trouble_is_told(running: Installation) -> None:
    metrics = running.settings.metrics_dir
    metrics.mkdir(parents=True, exist_ok=True)
    assert all_ok(found_by(check_archive_lag, running.environ))
    count = (
        "from bridge.metrics import COPIES_REFUSED as c, DATABASE_RETRIES as d; c.inc(3); d.inc()"
    )
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    subprocess.run([*COMMAND[:1], "-c", count], cwd=REPOSITORY, env=environ, check=True)

    found = found_by(check_archive_lag, running.environ)

    says(found, "warning", "refused 3 delivered copies")
    says(found, "warning", "1 batches had to be tried again")
