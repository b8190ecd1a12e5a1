"""`deploy/compose.yaml`: valid, closed but for the door, and agreeing with all that it names."""

import ipaddress
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chat.settings import settings_from, unknown_names
from cli.cluster.rabbitmq import PLUGINS
from cli.secrets import make_secrets
from tests.deploy.compose import COMPOSE, FILE, FOLDER, SERVICES, environment_of

OURS = ("web", "door", "bridge", "push", "migrate")
NODES = ("rabbitmq-1", "rabbitmq-2", "rabbitmq-3")


def complaints(file: Path) -> str:
    """What the schema of the Compose Specification has against it."""
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if checked.returncode == 0 else checked.stdout


def test_it_is_what_the_specification_allows() -> None:
    assert complaints(FILE) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("    ports: [", "    prots: [", "prots"),
        ("restart: unless-stopped", "restart: [always]", "restart"),
        ("      - source: haproxy\n", "      - {}\n      - source: [haproxy]\n", "source"),
    ],
)
def test_what_it_does_not_allow_is_noticed(
    tmp_path: Path, right: str, wrong: str, named: str
) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text(FILE.read_text().replace(right, wrong, 1))

    assert named in complaints(broken)


def test_the_doors_ports_alone_are_published() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"haproxy": ["80:8080", "443:8443", "8883:8883"]}
    assert COMPOSE["networks"]["inside"]["internal"] is True
    outside = [name for name, service in SERVICES.items() if "outside" in _networks(service)]
    assert outside == ["haproxy", "push"]  # which asks there, and is asked nothing


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_may_do_no_more_than_it_has_to(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    # The image of ours says so itself; those of the nodes and the database take the steps to it.
    assert name != "haproxy" or service["user"] == "10001:10001"


@pytest.mark.parametrize("name", [name for name in SERVICES if "profiles" not in SERVICES[name]])
def test_each_container_comes_back_and_says_how_it_is(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] in ("unless-stopped", "on-failure")
    # That of the site stands in the image; bridges say it in SQL.
    assert "healthcheck" in service or name == "web"


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_of_one_version_or_ours(name: str) -> None:
    assert re.fullmatch(r"katydid|[a-z]+:\d+(\.\d+)?", SERVICES[name]["image"])


def test_no_secret_stands_in_the_environment() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if "PASS" in variable or "SECRET" in variable or "KEY" in variable:
                assert str(value).startswith("/run/secrets/")
            assert urlsplit(str(value)).password is None


@pytest.mark.parametrize("name", OURS)
def test_our_settings_are_settings_with_values_that_are_allowed(name: str) -> None:
    required = SERVICES[name]["environment"]["KATYDID_PUBLIC_URL"]
    environ = environment_of(name, domain="chat.example")

    settings = settings_from(environ)

    assert required.startswith("https://${KATYDID_DOMAIN:?")
    assert unknown_names(environ) == []
    assert settings.mqtt_host == "haproxy"
    [proxy] = settings.trusted_proxies
    assert str(proxy.network_address) == _haproxys_address()


def test_the_secrets_are_those_that_the_command_makes_and_the_certificate(tmp_path: Path) -> None:
    make_secrets([str(tmp_path)])
    made = {path.name for path in tmp_path.iterdir()}

    named = {name: secret["file"] for name, secret in COMPOSE["secrets"].items()}

    assert set(named) == made | {"tls_certificate"}
    assert named == {name: f"secrets/{name}" for name in named}
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert used == set(named)


def test_all_files_that_it_names_are_there() -> None:
    files = [FOLDER / config["file"] for config in COMPOSE["configs"].values()]

    assert [file for file in files if not file.is_file()] == []
    used = {
        config["source"] for service in SERVICES.values() for config in service.get("configs", [])
    }
    assert used == set(COMPOSE["configs"])


def test_the_proxy_leads_to_services_of_these_names_at_their_ports() -> None:
    files = [(FOLDER / name).read_text() for name in ("haproxy.cfg", "haproxy-inside.cfg")]
    led_to = set(re.findall(r"^ *server\S* \S+ (?:\d+ )?([\w-]+):(\d+)", "".join(files), re.M))

    web = ("web", "8000")
    door = ("door", SERVICES["door"]["environment"]["KATYDID_AUTH_PORT"])
    assert led_to == {web, door} | {(n, port) for n in NODES for port in ("9001", "1883", "15672")}
    inside = set(re.findall(r"^ *bind (\d+\.\d+\.\d+\.\d+):", files[1], re.M))
    assert inside == {_haproxys_address()}
    published = set(re.findall(r"^ *bind :(\d+)", files[0], re.M))
    assert published == {ports.partition(":")[2] for ports in SERVICES["haproxy"]["ports"]}


def test_the_nodes_are_told_of_each_other_and_have_the_plugins() -> None:
    conf = (FOLDER / "rabbitmq-compose.conf").read_text()

    assert re.findall(r"= rabbit@(\S+)", conf) == list(NODES)
    assert [SERVICES[name]["hostname"] for name in NODES] == list(NODES)
    assert (FOLDER / "rabbitmq-plugins").read_text() == f"[{','.join(PLUGINS)}].\n"


def test_what_overrides_the_nodes_configuration_is_in_it() -> None:
    key = re.compile(r"^([a-z_.]+?)(?:\.\d)? = ", re.M)
    general = set(key.findall((FOLDER / "rabbitmq.conf").read_text()))

    assert set(key.findall((FOLDER / "rabbitmq-compose.conf").read_text())) <= general


def test_nothing_but_haproxy_can_have_its_address() -> None:
    [pool] = COMPOSE["networks"]["inside"]["ipam"]["config"]

    address = ipaddress.ip_address(_haproxys_address())
    assert address in ipaddress.ip_network(pool["subnet"])
    assert address not in ipaddress.ip_network(pool["ip_range"])


def _networks(service: dict[str, Any]) -> list[str]:
    return list(service.get("networks", []))


def _haproxys_address() -> str:
    return str(SERVICES["haproxy"]["networks"]["inside"]["ipv4_address"])
