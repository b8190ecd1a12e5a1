"""A PostgreSQL server of our own: durable, private, and gone when it is not wanted any more."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psycopg
import pytest

from chat.settings import REPOSITORY
from cli.cluster import postgres
from cli.cluster.postgres import PostgresNotReady, PostgresServer, reachable_folder
from cli.free_ports import free_ports
from tests.conftest import cannot_run, needs
from tests.ports import is_listening
from tests.running import wait_until


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not in pytest's own, which a server that does not run as root cannot enter."""
    needs("initdb")
    parent = Path(mkdtemp(prefix="katydid-"))
    parent.chmod(0o711)
    yield parent / "postgres"
    rmtree(parent)


@pytest.fixture
def server(folder: Path) -> Iterator[PostgresServer]:
    """Running, each time from the same folder at another port."""
    server = PostgresServer(folder, *free_ports(1))
    server.start()
    yield server
    server.stop()


def connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=5, autocommit=True)


def test_what_is_committed_is_on_the_disk_and_there_after_a_crash(server: PostgresServer) -> None:
    with connect(server.url()) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SHOW {setting}".encode()).fetchone() == ("on",)
        connection.execute("CREATE TABLE kept (body text)")
        connection.execute("INSERT INTO kept VALUES ('hello')")

    assert server._process is not None
    server._process.kill()
    server._process.wait()
    server.start()

    with connect(server.url()) as connection:
        assert connection.execute("SELECT body FROM kept").fetchall() == [("hello",)]


def test_it_lets_in_who_has_the_password_and_nobody_else(server: PostgresServer) -> None:
    url = server.url()
    guest = re.sub(r"//.*@", "//postgres@", url)

    connect(url).close()
    for wrong in (re.sub(r":[^:@]+@", ":guess@", url), re.sub(r":[^:@]+@", "@", url), guest):
        with pytest.raises(psycopg.OperationalError):
            connect(wrong)


def test_its_files_are_for_their_owner_alone(server: PostgresServer, folder: Path) -> None:
    password = folder / "password"

    assert (folder / "data").stat().st_mode & 0o777 == 0o700
    assert password.stat().st_mode & 0o777 == 0o600
    assert password.stat().st_uid == os.geteuid()
    # What it is started with can be seen by everybody.
    assert password.read_text() not in " ".join(server.command())


def test_the_role_that_it_lets_in_is_no_superuser(server: PostgresServer) -> None:
    with (
        connect(server.url()) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT pg_read_file('/etc/passwd')")


def test_its_log_has_no_word_of_what_people_write(server: PostgresServer, folder: Path) -> None:
    with connect(server.url()) as connection:
        connection.execute("CREATE TABLE once (body text UNIQUE)")
        for _ in range(2):
            try:
                connection.execute("INSERT INTO once VALUES (%s)", ("a secret text",))
            except psycopg.errors.UniqueViolation:
                break
        connection.execute("DROP TABLE once")

    log = (folder / "log").read_text()

    assert "duplicate key value" in log
    assert "a secret text" not in log


def test_it_ends_with_the_one_who_started_it(server: PostgresServer) -> None:
    """As a supervisor's child, whose supervisor is killed."""
    server.stop()
    program = (
        "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid, flush=True);"
        " p.wait()"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, *server.command()],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    server.wait_until_ready()
    with connect(server.url()):
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()

        wait_until("the server to end", lambda: not is_listening(server.port))
    assert supervisor.stdout is not None
    supervisor.stdout.close()


def test_a_taken_port_is_told(server: PostgresServer, folder: Path) -> None:
    other = PostgresServer(folder.with_name("other"), server.port)

    with pytest.raises(PostgresNotReady, match=r"ended at once; .*log says why"):
        other.start()


def test_data_of_another_version_is_not_touched(folder: Path) -> None:
    data = folder.with_name("old") / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(PostgresNotReady, match=r"version 9\.6"):
        PostgresServer(data.parent, *free_ports(1)).prepare()


def test_a_folder_that_the_server_cannot_enter_is_replaced(tmp_path: Path) -> None:
    needs("initdb")
    if os.geteuid() != 0:
        cannot_run("only root has folders that the server cannot enter")
    tmp_path.chmod(0o700)

    found = reachable_folder(tmp_path / "postgres")

    assert found.parent == Path("/var/lib/katydid")
    assert found == reachable_folder(tmp_path / "postgres")
    assert found != reachable_folder(tmp_path / "other")
    tmp_path.chmod(0o711)


def test_without_the_program_it_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_program", lambda name: None)

    with pytest.raises(PostgresNotReady, match="it is not installed"):
        PostgresServer(tmp_path / "postgres", 1).prepare()
