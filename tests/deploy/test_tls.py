"""`./katydid up` with a certificate: the network comes in by TLS alone."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from chat.times import now
from chat.topics import down_filter
from client import Katydid, Unreachable
from client.mqtt import Transport
from tests.cli.starting import Up, run_up
from tests.conftest import needs
from tests.deploy.certificates import Authority
from tests.end_to_end.person import Person
from tests.mqtt import Client
from tests.running import Installation, free_ports, wait_until

PASSWORD = "alice has a password"


class UpWithTls(Up):
    """`client` is a program that trusts our authority, and whom the site knows as Alice."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.https_port, self.mqtts_port = free_ports(2)
        environ = {
            "KATYDID_HOST": "0.0.0.0",  # noqa: S104
            "KATYDID_HTTPS_PORT": str(self.https_port),
            "KATYDID_MQTTS_PORT": str(self.mqtts_port),
            "KATYDID_LOGIN_LIMIT": "3 per hour",
            **self.authority.issue("localhost", "127.0.0.1"),
        }
        installation = Installation(folder, **environ)
        installation.register("bob")
        super().__init__(installation)
        self.trust = ssl.create_default_context(cafile=self.authority.file)
        self.client = httpx.Client(
            base_url=self.url, verify=self.trust, auth=("alice", PASSWORD), timeout=15
        )
        self.client.post(
            "/api/v1/accounts", json={"account": "alice", "password": PASSWORD}
        ).raise_for_status()

    def is_ready(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def new_device(self) -> dict[str, str]:
        body = {"name": "Test", "kind": "thing"}
        answer = self.client.post("/api/v1/devices", json=body).raise_for_status()
        return dict(answer.json()["mqtt"])

    def certificate_number(self) -> int:
        """Of the certificate that a client is shown now."""
        with (
            socket.create_connection(("127.0.0.1", self.https_port), timeout=5) as connection,
            self.trust.wrap_socket(connection, server_hostname="localhost") as tls,
        ):
            shown = tls.getpeercert()
            assert shown is not None
            return int(str(shown["serialNumber"]), 16)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpWithTls]:
    for program in ("mosquitto", "haproxy", "mosquitto_pub"):
        needs(program)
    running = UpWithTls(tmp_path_factory.mktemp("tls"))
    yield running
    running.client.close()
    running.end()
    running.installation.stop_all()


def mosquitto_pub(running: UpWithTls, device: dict[str, str], *trust: str) -> int:
    words = [
        *("mosquitto_pub", "-V", "5", "-h", str(device["host"]), "-p", str(device["port"])),
        *("-i", device["client_id"], "-u", device["username"], "-P", device["password"]),
        *("-q", "1", "-t", device["send_topic"].replace("{to}", "bob"), "-m", "Hello"),
    ]
    done = subprocess.run([*words, *trust], capture_output=True, check=False, timeout=30)
    return done.returncode


def test_the_site_says_that_it_is_ready_by_https(running: UpWithTls) -> None:
    assert running.url == f"https://127.0.0.1:{running.https_port}"
    assert "warning" not in running.said

    answer = running.client.get("/healthz")

    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_program_is_told_the_door_with_tls_and_comes_in_by_it(running: UpWithTls) -> None:
    device = running.new_device()

    assert (device["port"], device["tls"]) == (running.mqtts_port, True)
    assert mosquitto_pub(running, device, "--cafile", str(running.authority.file)) == 0


def test_no_program_comes_in_without_tls_or_trusts_a_stranger(running: UpWithTls) -> None:
    device = running.new_device()

    assert mosquitto_pub(running, device) != 0
    assert mosquitto_pub(running, device, "--tls-use-os-certs") != 0


@pytest.mark.parametrize("transport", ["tcp", "websocket"])
def test_the_client_comes_in_by_tls_where_it_trusts_who_signed(
    running: UpWithTls, tmp_path: Path, transport: Transport
) -> None:
    async def send(authority: Path | None) -> int:
        folder = tmp_path / str(authority is None)
        async with Katydid(
            running.url,
            "alice",
            password=PASSWORD,
            folder=folder,
            transport=transport,
            authority=authority,
        ) as chat:
            return (await chat.send("bob", "Hello")).seq

    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(send(None))
    assert asyncio.run(send(running.authority.file)) > 0


def test_two_browsers_talk_through_one_port(running: UpWithTls, chromium: Browser) -> None:
    carol, dave = (
        Person(chromium.new_context(ignore_https_errors=True), running.url, name)
        for name in ("carol", "dave")
    )
    sockets: list[str] = []
    carol.page.on("websocket", lambda websocket: sockets.append(websocket.url))

    carol.register("Carol")
    dave.register("Dave")
    carol.talk_to(dave).write("Is this private?")
    dave.open(carol).write("It is.")

    carol.sees("Is this private?", "It is.")
    assert sockets == [f"wss://127.0.0.1:{running.https_port}/mqtt"]
    [cookie] = carol.context.cookies()
    assert cookie["name"] == "__Host-katydid"
    assert cookie["secure"]
    assert carol.problems + dave.problems == []
    for person in (carol, dave):
        person.context.close()


def test_who_listens_without_tls_is_not_reached_from_elsewhere(running: UpWithTls) -> None:
    settings = running.installation.settings
    plain = (settings.http_port, settings.mqtt_port, settings.websocket_port)

    # On Linux all of 127.0.0.0/8 is this machine: another address of it, as a network's would be.
    reached = [port for port in (running.https_port, *plain) if is_reached("127.0.0.2", port)]

    assert reached == [running.https_port]
    assert all(is_reached("127.0.0.1", port) for port in plain)


def is_reached(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6detrics", "/metrics?a=b"])
def test_the_metrics_are_not_for_the_network(running: UpWithTls, path: str) -> None:
    # Not through httpx, which tidies addresses.
    with (
        socket.create_connection(("127.0.0.1", running.https_port), timeout=15) as connection,
        running.trust.wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: tls.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"katydid_" not in answer


def test_the_door_says_who_is_calling_and_not_the_caller(running: UpWithTls) -> None:
    answers = [
        httpx.get(
            f"{running.url}/api/v1/accounts/me",
            auth=("bob", "a guess"),
            headers={"X-Forwarded-For": f"198.51.100.{n}", "Forwarded": f"for=198.51.100.{n}"},
            verify=running.trust,
        ).status_code
        for n in range(4)
    ]

    assert answers == [401, 401, 401, 429]
    assert "198.51.100" not in (running.home / "logs" / "web.log").read_text()


@pytest.mark.parametrize("port", ["https_port", "mqtts_port"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-tls1"], b"protocol version"),
        (["-tls1_1"], b"protocol version"),
        (["-tls1_2"], None),
        (["-tls1_3"], None),
        # Without forward secrecy, or with a mode that was broken.
        (["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"], b"handshake failure"),
        (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"], b"handshake failure"),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"], b"handshake failure"),
    ],
    ids=["1.0", "1.1", "1.2", "1.3", "no secrecy", "cbc rsa", "cbc ecdsa"],
)
def test_what_is_old_or_weak_is_refused(
    running: UpWithTls, port: str, words: list[str], says: bytes | None
) -> None:
    needs("openssl")
    # Its own libraries refuse so old a version, unless told otherwise.
    allowed = [] if "-cipher" in words else ["-cipher", "DEFAULT:@SECLEVEL=0"]
    where = ["-connect", f"127.0.0.1:{getattr(running, port)}"]

    done = subprocess.run(
        ["openssl", "s_client", *words, *allowed, *where],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=15,
    )

    assert done.returncode == 0 if says is None else says in done.stderr


def test_a_renewed_certificate_is_taken_while_nobody_is_cut_off(running: UpWithTls) -> None:
    before = running.certificate_number()
    installation = running.installation
    trust = running.authority.file
    device = installation.new_device("bob")
    installation.issuer.issue(device)
    with Client(installation.settings, device, authority=trust) as bob:
        assert not bob.subscribe(down_filter("bob")).is_failure
        running.authority.issue("localhost", "127.0.0.1")

        wait_until(
            "the new certificate", lambda: running.certificate_number() != before, seconds=60
        )
        assert mosquitto_pub(running, running.new_device(), "--cafile", str(trust)) == 0
        assert bob.wait_for("message")["text"] == "Hello"
        assert bob.disconnect_reason is None


def test_a_certificate_that_does_not_go_with_its_key_is_not_taken(running: UpWithTls) -> None:
    before = running.certificate_number()
    certificate = running.home / "certificate.pem"
    kept = certificate.read_bytes()
    running.authority.issue("localhost", "127.0.0.1")
    new = certificate.read_bytes()

    certificate.write_bytes(kept)
    wait_until("it to be said", lambda: "the one before stays in use" in running.said, seconds=60)

    assert running.certificate_number() == before
    assert running.client.get("/healthz").status_code == 200
    certificate.write_bytes(new)
    wait_until("the new one", lambda: running.certificate_number() != before, seconds=60)


def test_those_who_send_slowly_do_not_hold_up_the_others(running: UpWithTls) -> None:
    """More of them than the site has threads, each with half a request."""
    half = (
        b"POST /api/v1/accounts HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with ExitStack() as open_ones:
        for _ in range(40):
            plain = socket.create_connection(("127.0.0.1", running.https_port), timeout=5)
            slow = open_ones.enter_context(
                running.trust.wrap_socket(plain, server_hostname="localhost")
            )
            slow.sendall(half)

        answers = [running.client.get("/healthz", timeout=5).status_code for _ in range(5)]

        assert answers == [200] * 5


def test_a_door_that_is_killed_comes_back(running: UpWithTls) -> None:
    running.kill("haproxy")

    assert running.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("missing", ["KATYDID_TLS_CERTIFICATE", "KATYDID_TLS_KEY"])
def test_one_file_without_the_other_is_named(tmp_path: Path, missing: str) -> None:
    environ = Authority(tmp_path).issue("localhost")
    del environ[missing]

    assert_refused(environ | {"KATYDID_HOME": str(tmp_path / "home")}, missing, "both files")


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    environ = Authority(tmp_path).issue("localhost")
    certificate = Path(environ["KATYDID_TLS_CERTIFICATE"])
    kept = certificate.read_bytes()
    Authority(tmp_path).issue("localhost")
    certificate.write_bytes(kept)

    environ["KATYDID_HOME"] = str(tmp_path / "home")
    assert_refused(environ, "KATYDID_TLS_CERTIFICATE", "goes with the key")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    environ = Authority(tmp_path).issue("localhost") | {"KATYDID_TLS_KEY": "/no/such/file"}

    assert_refused(environ, "KATYDID_TLS_KEY", "/no/such/file", "a file that is there")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    # Nobody reads this one from its beginning, root neither.
    environ = Authority(tmp_path).issue("localhost") | {"KATYDID_TLS_KEY": "/proc/self/mem"}

    assert_refused(environ, "KATYDID_TLS_KEY", "/proc/self/mem", "cannot be read")


def test_a_certificate_that_has_expired_is_named(tmp_path: Path) -> None:
    yesterday = now() - timedelta(days=1)
    environ = Authority(tmp_path).issue("localhost", until=yesterday)

    assert_refused(environ, "KATYDID_TLS_CERTIFICATE", f"expired on {yesterday:%Y-%m-%d}")


def assert_refused(environ: dict[str, str], *words: str) -> None:
    answer = run_up(environ)

    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert [word for word in words if word not in answer.stderr] == []
