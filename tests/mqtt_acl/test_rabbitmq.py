"""What is RabbitMQ's own: it asks at the door, and is told only whom to cut off."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from bridge.connecting import connect
from chat.devices import all_devices
from chat.errors import BrokerUnreachable
from chat.secrets import make_missing_secrets
from chat.shards import Lease
from chat.topics import down_filter, shard_of, up
from chat.user_names import ADMIN
from cli.doctor.broker import check_broker
from cli.doctor.queues import check_queues
from cli.rotate import rotate
from mqtt_acl.issuer import Credentials, Issuer, credentials_of
from mqtt_acl.rabbitmq import KickingIssuer
from tests.cli.doctor.answering import Answer, altering
from tests.cli.doctor.asking import all_ok, found_by, says
from tests.mqtt import Client
from tests.rabbitmq import RabbitInstallation
from tests.running import free_ports, wait_until
from tests.web.site import execute

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.parametrize("any_broker", ["rabbitmq-4.3"], indirect=True),
]


def is_let_in(broker: RabbitInstallation, device: Credentials) -> bool:
    client = Client(broker.settings, device).connect()
    client.close()
    return not client.connect_reason.is_failure


def asked(broker: RabbitInstallation, path: str, **options: Any) -> httpx.Response:
    """What the management API answers."""
    auth = options.pop("auth", (ADMIN, broker.secrets.admin_password))
    url = f"{broker.settings.rabbitmq_urls[0]}/api{path}"
    return httpx.request(options.pop("method", "GET"), url, auth=auth, **options)


def queues(broker: RabbitInstallation, device: Credentials) -> list[str]:
    names = [queue["name"] for queue in asked(broker, "/queues").json()]
    return [name for name in names if device.user_name in name]


class Stubborn(threading.Thread):
    """A device that connects again whenever it is cut, until it is refused."""

    def __init__(self, broker: RabbitInstallation, device: Credentials) -> None:
        super().__init__(daemon=True)
        self.broker, self.device = broker, device
        self.connections: list[Client] = []

    def run(self) -> None:
        while True:
            client = Client(self.broker.settings, self.device).connect()
            if client.connect_reason.is_failure:
                client.close()
                return
            self.connections.append(client)
            client.begin_subscribing(down_filter("alice"))
            wait_until("the cut", lambda client=client: client.disconnect_reason is not None)

    def is_connected(self) -> bool:
        return bool(self.connections) and self.connections[-1].disconnect_reason is None


def test_a_device_that_comes_in_again_while_it_is_revoked_ends_up_outside(
    any_broker: RabbitInstallation,
) -> None:
    stubborn = [Stubborn(any_broker, any_broker.new_device("alice")) for _ in range(8)]
    for each in stubborn:
        each.start()
    wait_until("all to be connected", lambda: all(each.is_connected() for each in stubborn))

    for each in stubborn:
        any_broker.revoke(each.device)

    wait_until("the cuts", lambda: not any(each.is_connected() for each in stubborn), seconds=1.0)
    for each in stubborn:
        each.join(timeout=15)
        assert not each.is_alive()
        assert asked(any_broker, f"/connections/username/{each.device.user_name}").json() == []
        assert queues(any_broker, each.device) == []


def test_what_waits_for_a_device_goes_with_it(any_broker: RabbitInstallation) -> None:
    device = any_broker.new_device("alice")
    with Client(any_broker.settings, device, clean=False) as client:
        client.subscribe(down_filter("alice"))
    assert queues(any_broker, device) == [f"mqtt-subscription-{device.user_name}qos1"]

    any_broker.revoke(device)

    assert queues(any_broker, device) == []


def test_restore_cuts_off_whom_sql_does_not_have(any_broker: RabbitInstallation) -> None:
    kept, parked, lost = (any_broker.new_device("alice") for _ in range(3))
    with (
        Client(any_broker.settings, kept) as here,
        Client(any_broker.settings, lost) as gone,
    ):
        with Client(any_broker.settings, parked, clean=False) as away:
            away.subscribe(down_filter("alice"))
        here.subscribe(down_filter("alice"))
        gone.subscribe(down_filter("alice"))
        for device in (lost, parked):
            execute(any_broker, "DELETE FROM device WHERE id = :id", id=device.user_name[6:])

        with any_broker.database.reading() as sql:
            keys = any_broker.secrets.server_keys
            everyone = [credentials_of(name, device, keys) for name, device in all_devices(sql)]
        any_broker.issuer.restore(everyone)

        wait_until("the cut", lambda: gone.disconnect_reason is not None)
        assert not here.subscribe(down_filter("alice")).is_failure
        assert queues(any_broker, parked) == []
    wait_until("the bridge's sessions to stay", lambda: is_let_in(any_broker, kept))


def test_who_still_needs_the_old_server_key_is_cut_off_when_it_ends(
    any_broker: RabbitInstallation,
) -> None:
    file = any_broker.settings.secrets_dir / "server_key"
    before, device = file.read_text(), any_broker.new_device("alice")
    with Client(any_broker.settings, device) as client:
        client.subscribe(down_filter("alice"))
        rotate(any_broker.environ, [])
        assert client.publish(up("alice", "bob", "send"), "still here").is_failure is False

        rotate(any_broker.environ, ["--retire", "--cut-off"])

        wait_until("the cut", lambda: client.disconnect_reason is not None)
    assert not is_let_in(any_broker, device)
    file.write_text(before)


@pytest.mark.parametrize("does", ["hears", "says"])
def test_a_device_that_no_kick_has_reached_is_cut_off_when_it_hears_or_says_something(
    any_broker: RabbitInstallation, does: str
) -> None:
    device = any_broker.new_device("alice")
    text = f"still here, and {does}"
    with Client(any_broker.settings, device) as client:
        execute(any_broker, "DELETE FROM device WHERE id = :id", id=device.user_name[6:])

        if does == "hears":
            client.begin_subscribing(down_filter("alice"))
        else:
            client.begin_publishing(up("alice", "bob", "send"), text)

        wait_until("the cut", lambda: client.disconnect_reason is not None)
    with Client(any_broker.settings, any_broker.new_device("bob")) as bob:
        bob.publish(up("bob", "alice", "send"), f"after: {text}")
    archived = "SELECT body FROM message WHERE body LIKE :text"
    wait_until("the next", lambda: any_broker.rows(archived, text=f"after: {text}"))
    assert any_broker.rows(archived, text=text) == []


def test_a_user_name_that_names_a_vhost_is_refused(any_broker: RabbitInstallation) -> None:
    device = any_broker.new_device("alice")

    for vhost in ("", "/", "other"):
        strange = replace(device, user_name=f"{vhost}:{device.user_name}")
        client = Client(any_broker.settings, strange, client_id=device.user_name).connect()
        client.close()
        # With the only vhost that there is, it is the same as without.
        assert client.connect_reason.is_failure or vhost == "/"


def test_no_device_gets_in_at_the_management_api(any_broker: RabbitInstallation) -> None:
    device = any_broker.new_device("alice")

    as_device = asked(any_broker, "/whoami", auth=(device.user_name, device.password))
    as_bridge = asked(any_broker, "/whoami", auth=("_bridge.7", any_broker.secrets.bridge_password))

    assert (as_device.status_code, as_bridge.status_code) == (401, 401)
    assert asked(any_broker, "/whoami").status_code == 200


def test_while_nobody_answers_at_the_door_nobody_comes_in(any_broker: RabbitInstallation) -> None:
    device = any_broker.new_device("alice")
    with Client(any_broker.settings, device) as here:
        here.subscribe(down_filter("alice"))
        any_broker.kill("door", 15)

        assert not is_let_in(any_broker, any_broker.new_device("bob"))
        any_broker.start("door")

        assert here.disconnect_reason is None
    assert is_let_in(any_broker, device)


def test_what_comes_to_the_bridge_in_vain_comes_again_however_often(
    any_broker: RabbitInstallation,
) -> None:
    """By default, a quorum queue throws away what was not acknowledged 20 times."""
    any_broker.kill("bridge", 15)
    with Client(any_broker.settings, any_broker.new_device("alice")) as alice:
        alice.publish(up("alice", "bob", "send"), "in vain")

    asyncio.run(receive_in_vain(any_broker, times=30))

    any_broker.start("bridge")
    stored = "SELECT body FROM message WHERE body = 'in vain'"
    wait_until("the archive to have it", lambda: any_broker.rows(stored))


async def receive_in_vain(broker: RabbitInstallation, *, times: int) -> None:
    """Be the bridge, and go without an acknowledgement."""
    for _ in range(times):
        arrived = asyncio.Event()
        session = await connect(
            broker.settings,
            Lease(shard_of("alice"), number=0, unserved_seconds=None),
            receive=lambda _, arrived=arrived: arrived.set(),
        )
        await asyncio.wait_for(arrived.wait(), 15)
        session.close()


@pytest.fixture
def issuer(any_broker: RabbitInstallation, request: pytest.FixtureRequest) -> Iterator[Issuer]:
    """One that has first been told of a node that does not run."""
    [nobody_listens] = free_ports(1)
    urls = (f"http://127.0.0.1:{nobody_listens}", *any_broker.settings.rabbitmq_urls)
    issuer = KickingIssuer(replace(any_broker.settings, rabbitmq_urls=urls[: request.param]))
    yield issuer
    issuer.close()


@pytest.mark.parametrize("issuer", [2], indirect=True)
def test_another_node_is_asked_when_one_does_not_run(
    any_broker: RabbitInstallation, issuer: Issuer
) -> None:
    device = any_broker.new_device("alice")
    with Client(any_broker.settings, device) as client:
        issuer.check()
        issuer.revoke(device.user_name)

        wait_until("the cut", lambda: client.disconnect_reason is not None)


@pytest.mark.parametrize("issuer", [1], indirect=True)
def test_a_broker_that_is_away_is_said_to_be(
    any_broker: RabbitInstallation, issuer: Issuer
) -> None:
    for ask in (issuer.check, lambda: issuer.revoke("alice.abc"), lambda: issuer.restore([])):
        with pytest.raises(BrokerUnreachable, match="cannot be reached"):
            ask()


def test_a_wrong_admin_password_is_said_to_be_refused(
    any_broker: RabbitInstallation, tmp_path: Path
) -> None:
    elsewhere = replace(any_broker.settings, home=tmp_path)
    make_missing_secrets(elsewhere)
    issuer = KickingIssuer(elsewhere)

    with pytest.raises(BrokerUnreachable, match="refuses the admin"):
        issuer.check()

    issuer.close()


def test_a_doctor_finds_it_sound_with_its_policy_and_tells_when_that_is_gone(
    any_broker: RabbitInstallation,
) -> None:
    assert all_ok(found_by(check_queues, any_broker.environ))
    path = f"/operator-policies/{quote('/', safe='')}/bridges"
    policy = asked(any_broker, path).json()

    answer = asked(any_broker, path, method="DELETE")
    try:
        found = found_by(check_queues, any_broker.environ)
    finally:
        asked(any_broker, path, method="PUT", json=policy)

    assert answer.is_success, answer.text
    says(found, "wrong", "delivered in vain 20 times")
    assert all_ok(found_by(check_queues, any_broker.environ))


def _first_queue(queues: list[dict[str, Any]]) -> dict[str, Any]:
    return next(queue for queue in queues if "_bridge." in queue["name"])


# What the management API is asked, what a broken RabbitMQ would say instead, what is told then.
FAULTS: list[tuple[str, Callable[[Any], object], str]] = [
    ("/overview", lambda said: said.update(rabbitmq_version="3.13.7"), "of version 3.13.7"),
    ("/nodes", lambda said: said[0].update(running=False), "does not run"),
    ("/nodes", lambda said: said[0].update(mem_alarm=True), "short of memory"),
    ("/nodes", lambda said: said[0].update(disk_free_alarm=True), "short of disk"),
    ("/queues", lambda said: said.remove(_first_queue(said)), "has no session of shard"),
    ("/queues", lambda said: _first_queue(said).update(type="classic"), "ends with its node"),
]


@pytest.mark.parametrize(("path", "fault", "words"), FAULTS, ids=[words for *_, words in FAULTS])
def test_a_doctor_tells_what_is_wrong_with_it(
    any_broker: RabbitInstallation, path: str, fault: Callable[[Any], object], words: str
) -> None:
    def broken(_method: str, asked: str, answer: Answer) -> Answer:
        if not asked.startswith(f"/api{path}"):
            return answer
        said = json.loads(answer[2])
        fault(said)
        return answer[0], answer[1], json.dumps(said).encode()

    [port] = free_ports(1)
    with altering(port, any_broker.settings.rabbitmq_urls[0], broken) as url:
        found = found_by(check_queues, any_broker.environ | {"KATYDID_RABBITMQ_URL": url})

    says(found, "wrong", words)
    assert len([each for each in found if each.level == "wrong"]) == 1


def test_a_doctor_tells_that_it_cannot_be_asked(any_broker: RabbitInstallation) -> None:
    [nobody] = free_ports(1)
    environ = any_broker.environ | {"KATYDID_RABBITMQ_URL": f"http://127.0.0.1:{nobody}"}

    says(found_by(check_queues, environ), "wrong", "management API does not answer")


def test_a_doctor_finds_that_devices_do_what_they_may_and_nothing_else(
    any_broker: RabbitInstallation,
) -> None:
    found = found_by(check_broker, any_broker.environ)

    assert all_ok(found), found
    assert "revoked device was cut off at once" in found[-1].says
