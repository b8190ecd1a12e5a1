"""The whole of `deploy/compose.yaml`, run: pages, programs and things come in by the one door."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.conftest import needs
from tests.deploy.containers import DOMAIN, Containers
from tests.deploy.test_image import copied_to
from tests.rabbitmq import rabbitmq_root
from tests.running import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.containers]
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    for program in ("haproxy", "initdb", "ip", "dnsmasq", "curl", "mosquitto_pub"):
        needs(program)
    # Where users of the containers may go, who are not root.
    with TemporaryDirectory(prefix="katydid-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        root = rabbitmq_root()
        containers = Containers(folder, image=copied_to(folder / "image"), rabbitmq_root=root)
        try:
            containers.start()
            wait_until("the site to say that all is well", lambda: is_well(containers), seconds=180)
            yield containers
        finally:
            containers.stop()


def curl(containers: Containers, path: str, *options: str) -> str:
    """What the door answers to somebody who trusts its certificate."""
    to_the_door = ["--connect-to", f"::{containers.door}:8443"]
    to_the_door += ["--cacert", str(containers.authority.file)]
    words = ["curl", "--silent", "--max-time", "10", *to_the_door, *options]
    return containers.visitor.run(*words, f"https://{DOMAIN}{path}").stdout


def post(containers: Containers, path: str, body: dict[str, str], *options: str) -> dict[str, Any]:
    content = ("--header", "Content-Type: application/json", "--data", json.dumps(body))
    found: dict[str, Any] = json.loads(curl(containers, path, *content, *options))
    return found


def register(containers: Containers, account: str) -> None:
    post(containers, "/api/v1/accounts", {"account": account, "password": PASSWORD})


def add_device(containers: Containers, account: str) -> dict[str, Any]:
    """What a new device of the account is told of the broker."""
    body, who = {"name": "Test", "kind": "thing"}, ("--user", f"{account}:{PASSWORD}")
    mqtt: dict[str, Any] = post(containers, "/api/v1/devices", body, *who)["mqtt"]
    return mqtt


def is_well(containers: Containers) -> bool:
    return curl(containers, "/healthz").startswith('{"ready":true')


def mosquitto(containers: Containers, program: str, device: dict[str, Any], *words: str) -> str:
    who = ("-i", device["client_id"], "-u", device["username"], "-P", device["password"])
    # By its address, which the certificate does not name; that it is trusted, curl has shown.
    door = ("-h", containers.door, "-p", "8883", "--insecure")
    trust = ("--cafile", str(containers.authority.file))
    done = containers.visitor.run(program, "-V", "5", *door, *trust, *who, "-q", "1", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_things_talk_through_all_of_it(containers: Containers) -> None:
    for account in ("alice", "bob"):
        register(containers, account)
    alice, bob = (add_device(containers, account) for account in ("alice", "bob"))
    keep = ("-c", "-x", "300", "-t", "chat/v1/down/bob/#")
    mosquitto(containers, "mosquitto_sub", bob, *keep, "-E")

    topic = alice["send_topic"].replace("{to}", "bob")
    mosquitto(containers, "mosquitto_pub", alice, "-t", topic, "-m", "Through containers")

    heard = mosquitto(containers, "mosquitto_sub", bob, *keep, "-C", "1", "-W", "15")
    assert json.loads(heard)["text"] == "Through containers"
    history = curl(containers, "/api/v1/conversations/bob/messages", "--user", f"alice:{PASSWORD}")
    assert [message["seq"] for message in json.loads(history)["messages"]] == [1]


def test_clients_are_told_the_names_of_the_world(containers: Containers) -> None:
    register(containers, "carol")

    mqtt = add_device(containers, "carol")

    assert (mqtt["host"], mqtt["port"], mqtt["tls"]) == (DOMAIN, 8883, True)
    assert mqtt["websocket_url"] == f"wss://{DOMAIN}/mqtt"


def test_the_site_sees_who_is_calling_and_believes_nobody_else(containers: Containers) -> None:
    at_login = ("--user", "dave:a guess", "--header", "X-Forwarded-For: 198.51.100.1")
    curl(containers, "/api/v1/accounts/me", *at_login)
    # Straight to a site, as a container that was broken into could.
    site = containers.network.machines["web-1"].address
    containers.visitor.run("curl", "-s", *at_login, f"http://{site}:8000/api/v1/accounts/me")

    logs = "".join(containers.log(f"web-{n}") for n in (1, 2))
    failed = [json.loads(line) for line in logs.splitlines() if '"a login failed"' in line]
    assert [line["address"] for line in failed] == [containers.visitor.address] * 2


def test_the_proxy_finds_all_of_each_kind_by_their_names(containers: Containers) -> None:
    counts = containers.visitor.run("curl", "-s", f"http://{containers.door}:8404/;csv").stdout
    lines = [line.split(",") for line in counts.splitlines()]

    up = {f"{line[0]}/{line[1]}" for line in lines if line[17].startswith("UP")}

    assert {"web/web1", "web/web2", "doors/door1", "doors/door2"} <= up
    assert {f"{kind}/rabbitmq-{n}" for kind in ("mqtt", "websocket") for n in (1, 2, 3)} <= up


def test_who_comes_without_tls_is_led_to_it(containers: Containers) -> None:
    asked = ("--head", "--header", f"Host: {DOMAIN}", f"http://{containers.door}:8080/settings")

    answer = containers.visitor.run("curl", "--silent", *asked).stdout

    assert "301" in answer.splitlines()[0]
    assert f"location: https://{DOMAIN}/settings" in answer
