"""What only shows when several processes serve the site over a real network."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import create_connection

import httpx
import pytest

from chat.settings import REPOSITORY
from cli.open_files import allow_many_open_files
from cli.web import site_command
from tests.running import Installation, is_listening, wait_until
from tests.web.served import ServedSite
from tests.web.site import execute

pytestmark = pytest.mark.both_databases


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, password_hash: str, dialect: str
) -> Iterator[ServedSite]:
    installation = Installation(
        tmp_path_factory.mktemp("served"), dialect=dialect, KATYDID_LOGIN_LIMIT="20 per hour"
    )
    installation.register("alice", "bob")
    execute(installation, "UPDATE account SET password_hash = :hash", hash=password_hash)
    site = ServedSite(installation)
    yield site
    site.stop()
    installation.stop_all()


def test_all_processes_count_the_same_attempts(site: ServedSite) -> None:
    answers = []
    for number in range(21):
        with site.program("bob", password=f"guess {number}") as program:
            answers.append(program.get("/api/v1/accounts/me").status_code)

    assert answers == [401] * 20 + [429]


def test_a_session_is_good_at_every_process(site: ServedSite) -> None:
    alice = site.browser().log_in("alice")

    answers = {alice.copy().get("/api/v1/accounts/me").status_code for _ in range(20)}

    assert answers == {200}


def test_a_process_of_the_site_has_its_room_on_the_disk_from_the_start(
    installation: Installation,
) -> None:
    folder = installation.settings.metrics_dir
    folder.mkdir(parents=True)
    installation.settings.run_dir.mkdir(exist_ok=True)
    process = subprocess.Popen(
        site_command(installation.settings),
        cwd=REPOSITORY,
        env=os.environ | installation.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
    )
    try:
        wait_until("both processes", lambda: len(list(folder.glob("histogram_*.db"))) == 2)
        wait_until("their room", lambda: all(has_its_room(file) for file in folder.iterdir()))
        port = installation.settings.http_port
        wait_until("the site to listen", lambda: is_listening(port))
        for _ in range(20):
            httpx.get(f"http://127.0.0.1:{port}/register").raise_for_status()

        counted = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert 'route="/register",status="200"} 20.0' in counted
        # No other file than those: prometheus still calls them so.
        assert all(has_its_room(file) for file in folder.iterdir())
    finally:
        process.terminate()
        process.wait(timeout=15)


def has_its_room(file: Path) -> bool:
    return file.stat().st_blocks * 512 >= 128 * 1024


def test_a_site_without_room_for_its_counts_ends_so_that_it_is_started_without(
    installation: Installation,
) -> None:
    """/proc is a file system that has no room at all."""
    installation.settings.run_dir.mkdir(exist_ok=True)
    site = subprocess.run(
        site_command(installation.settings),
        cwd=REPOSITORY,
        env=os.environ | installation.environ | {"PROMETHEUS_MULTIPROC_DIR": "/proc"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert site.returncode == 0
    assert "There is no room for its counts" in site.stderr
    assert "Traceback" not in site.stderr


def test_metrics_are_those_of_all_processes(site: ServedSite) -> None:
    counter = re.compile(
        r'katydid_http_requests_total\{method="GET",route="/register",status="200"\} (\d+)'
    )
    for _ in range(20):
        with site.program("alice") as program:
            assert program.get("/register").status_code == 200

    found = counter.search(site.browser().get("/metrics").text)

    assert found is not None
    assert found[1] == "20"


def test_metrics_forget_the_present_of_a_process_that_was_killed(site: ServedSite) -> None:
    folder = site.installation.settings.metrics_dir
    program = "import os; from bridge import metrics; metrics.SESSIONS.set(16); os._exit(9)"
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}

    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environ, check=False)
    assert leftovers(folder)

    assert "katydid_sessions_connected 16" not in site.browser().get("/metrics").text
    assert not leftovers(folder)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("gauge_live*"))


def test_a_body_without_a_length_is_limited_too(site: ServedSite) -> None:
    """Chunked, so that nothing says beforehand how long it will be."""
    chunks = (b" " * 8_192 for _ in range(9))
    with site.program("alice") as program:
        response = program.post(
            "/api/v1/devices", content=chunks, headers={"Content-Type": "application/json"}
        )

    assert response.status_code == 413, response.text
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "mistake",
    [
        b"GET /login?link=c2VjcmV0\xff HTTP/1.1\r\n",
        b"GET /login HTTP/1.1\r\nAuthorization Basic c2VjcmV0\r\n",
        b"GET /login HTTP/1.1\r\nAuthorization:\r\n Basic c2VjcmV0\r\n",
        b"c2VjcmV0 c2VjcmV0 c2VjcmV0\r\n",
    ],
    ids=["line", "header", "folded header", "nothing like it"],
)
def test_what_cannot_be_read_is_not_in_the_log(site: ServedSite, mistake: bytes) -> None:
    before = site.log().count("Invalid request")

    with create_connection(("127.0.0.1", site.installation.settings.http_port), 30) as client:
        client.sendall(mistake + b"Host: localhost\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")

    wait_until("the mistake to be told", lambda: site.log().count("Invalid request") > before)
    assert "c2VjcmV0" not in site.log()


def test_a_site_answers_more_than_2_000_that_stay_connected(installation: Installation) -> None:
    """As gunicorn's own limit is for two processes: the others waited for those to go."""
    allow_many_open_files()
    here = ("127.0.0.1", installation.settings.http_port)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.web", "site"],
        cwd=REPOSITORY,
        env=os.environ | installation.environ,
    )
    try:
        wait_until("the site to listen", lambda: is_listening(here[1]))
        with ExitStack() as stay_connected:
            for _ in range(2_100):
                connection = stay_connected.enter_context(create_connection(here, timeout=10))
                connection.sendall(b"GET /offline HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(12) == b"HTTP/1.1 200"
    finally:
        process.terminate()
        process.wait(timeout=15)
