"""`./katydid doctor` without a broker: settings, files, disks, the database, clocks, TLS. Beside
each check that finds nothing, an installation that is really broken."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import trustme

from chat.models import Account, Chore, Conversation, Notification
from chat.times import now
from cli.doctor.bridges import check_archive_lag
from cli.doctor.checks import examine
from cli.doctor.clock import check_clocks
from cli.doctor.database import check_database
from cli.doctor.disk import check_disks
from cli.doctor.files import check_private_files, check_secrets
from cli.doctor.queues import check_queues
from cli.doctor.running import check_door, check_running, check_site
from cli.doctor.settings import check_settings
from cli.doctor.tls import check_certificate_file
from cli.free_ports import free_ports
from cli.home import held_home
from cli.rotate import rotate
from tests import databases
from tests.cli.doctor.answering import answering
from tests.cli.doctor.asking import all_ok, as_json, ask_doctor, found_by, says
from tests.conftest import cannot_run, needs
from tests.ports import taken
from tests.running import Installation, wait_until
from tests.web.site import execute

MIB = 1024 * 1024


@pytest.fixture
def nothing(tmp_path: Path) -> dict[str, str]:
    """Settings of an installation of which nothing is there yet."""
    http, mqtt, websocket, auth = free_ports(4)
    return {
        "KATYDID_HOME": str(tmp_path / "home"),
        "KATYDID_HTTP_PORT": str(http),
        "KATYDID_MQTT_PORT": str(mqtt),
        "KATYDID_WEBSOCKET_PORT": str(websocket),
        "KATYDID_AUTH_PORT": str(auth),
    }


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[Installation]:
    """Secrets and tables; nothing runs, and no broker is needed."""
    installation = Installation(tmp_path)
    yield installation
    installation.stop_all()


# The command.


def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(
    nothing: dict[str, str],
) -> None:
    status, findings = as_json(nothing)

    assert status == 0
    assert {each["level"] for each in findings} == {"ok", "skipped", "warning"}
    assert not Path(nothing["KATYDID_HOME"]).exists()


def test_a_fault_is_told_with_what_to_do_and_by_the_exit_status(prepared: Installation) -> None:
    secret = prepared.settings.secrets_dir / "server_key"
    secret.chmod(0o644)

    told = ask_doctor(prepared.environ)

    assert told.returncode == 1, told.stderr
    assert f"wrong    secrets: Others can read {secret} (mode 0644)." in told.stdout
    assert f"→ chmod 600 {secret}" in told.stdout
    assert told.stdout.splitlines()[-1] == "1 fault and 1 warning."


def test_what_fails_while_it_is_examined_is_told_and_the_next_check_has_its_turn(
    prepared: Installation, nothing: dict[str, str], tmp_path: Path
) -> None:
    execute(prepared, "DROP TABLE notification")
    says(list(examine(prepared.environ)), "wrong", "The database fails", "notification")

    nowhere = {**nothing, "KATYDID_HOME": str(tmp_path / ("x" * 300))}
    found = [each for each in examine(nowhere) if "could not be examined" in each.says]

    assert len(found) > 1
    for each in found:
        says([each], "wrong", "The system says", "File name too long")


def test_a_server_key_from_before_is_not_forgotten(prepared: Installation) -> None:
    assert rotate(prepared.environ, []) == 0
    says(found_by(check_secrets, prepared.environ), "warning", "still kept")

    assert rotate(prepared.environ, ["--retire"]) == 0
    assert all_ok(found_by(check_secrets, prepared.environ))


@pytest.mark.parametrize(
    "words", [["--jsno"], ["http://127.0.0.1", "http://127.0.0.2"], ["example.org"]]
)
def test_words_that_it_does_not_take_are_one_sentence(
    nothing: dict[str, str], words: list[str]
) -> None:
    told = ask_doctor(nothing, *words)

    assert told.returncode == 1
    assert told.stderr.startswith("katydid: ")
    assert told.stderr.count("\n") == 1


# Settings.


def test_settings_that_can_be_used_are_fine(nothing: dict[str, str]) -> None:
    assert all_ok(found_by(check_settings, nothing))


def test_a_bad_setting_is_the_only_finding(nothing: dict[str, str]) -> None:
    findings = list(examine({**nothing, "KATYDID_MQTT_PORT": "none"}))

    assert [(each.level, each.says) for each in findings] == [
        ("wrong", "KATYDID_MQTT_PORT is 'none', but must be a port number from 1 to 65535.")
    ]


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("KATYDID_HTP_PORT", "80", "warning"),
        ("KATYDID_HOST", "192.0.2.1", "warning"),
        ("KATYDID_BROKER", "rabbitmq", "wrong"),
    ],
)
def test_what_is_no_setting_or_does_not_go_together_is_named(
    nothing: dict[str, str], name: str, value: str, level: str
) -> None:
    says(found_by(check_settings, {**nothing, name: value}), level, name)


# Files.


def test_secrets_for_their_owner_alone_are_fine(prepared: Installation) -> None:
    assert all_ok(found_by(check_secrets, prepared.environ))


def test_a_secret_that_is_gone_or_cut_short_is_wrong(prepared: Installation) -> None:
    secret = prepared.settings.secrets_dir / "admin_password"
    secret.write_text("short")
    says(found_by(check_secrets, prepared.environ), "wrong", str(secret))

    secret.unlink()

    says(found_by(check_secrets, prepared.environ), "wrong", str(secret))


def test_an_archive_that_others_can_read_is_wrong(prepared: Installation) -> None:
    home = prepared.settings.home
    archive = home / "katydid.db"
    archive.chmod(0o644)
    home.chmod(0o700)
    assert all_ok(found_by(check_private_files, prepared.environ))

    home.chmod(0o755)

    says(found_by(check_private_files, prepared.environ), "wrong", str(archive))


def test_a_home_that_others_get_into_is_a_warning(prepared: Installation) -> None:
    home = prepared.settings.home
    (home / "katydid.db").chmod(0o600)
    home.chmod(0o755)

    says(found_by(check_private_files, prepared.environ), "warning", f"{home} (mode 0755)")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """One of 24 MiB, of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True).returncode != 0:
        cannot_run("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_with_room_is_fine_and_one_that_gets_full_is_told(small_disk: Path) -> None:
    environ = {"KATYDID_HOME": str(small_disk / "home")}
    if shutil.disk_usage("/").free > 1024 * MIB:
        assert all_ok(found_by(check_disks, {"KATYDID_HOME": "/nowhere"}))
    says(found_by(check_disks, environ), "warning", "24 MiB left")

    (small_disk / "much").write_bytes(bytes(16 * MIB))

    says(found_by(check_disks, environ), "wrong", "cannot write any more")


def test_a_database_on_a_full_disk_cannot_be_written(small_disk: Path) -> None:
    installation = Installation(small_disk)
    installation.database.check()  # it is in use, as by a bridge
    assert all_ok(found_by(check_database, installation.environ))

    fill = b"full" * MIB
    with (small_disk / "much").open("wb") as much:
        while shutil.disk_usage(small_disk).free:
            much.write(fill[: shutil.disk_usage(small_disk).free])
            much.flush()

    found = found_by(check_database, installation.environ)
    says(found, "wrong", "It cannot be written")
    installation.stop_all()


# The database.


def test_a_database_without_the_tables_of_this_version_is_wrong(nothing: dict[str, str]) -> None:
    home = Path(nothing["KATYDID_HOME"])
    home.mkdir()
    (home / "katydid.db").touch()

    says(found_by(check_database, nothing), "wrong", "not the tables of this version")


def test_a_database_that_is_none_is_wrong(nothing: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("This is no database, and long enough to be taken for one.")
    environ = {**nothing, "KATYDID_DATABASE_URL": f"sqlite:///{tmp_path}/no.db"}

    says(found_by(check_database, environ), "wrong", "cannot be used")
    (tmp_path / "no.db").unlink()
    (tmp_path / "no.db").mkdir()
    says(found_by(check_database, environ), "wrong", "cannot be used")


def test_postgresql_that_answers_is_fine_and_one_that_does_not_is_wrong(
    prepared: Installation, tmp_path: Path
) -> None:
    needs("initdb")
    url = databases.migrated("postgresql", tmp_path)
    environ = prepared.environ | {"KATYDID_DATABASE_URL": url}
    assert all_ok(found_by(check_database, environ))
    assert all_ok(found_by(check_clocks, environ))

    [port] = free_ports(1)
    nobody = {"KATYDID_DATABASE_URL": f"postgresql+psycopg://katydid:secret@127.0.0.1:{port}/k"}
    found = says(found_by(check_database, prepared.environ | nobody), "wrong", "cannot be used")

    assert "secret" not in found.says
    databases.give_back(url)


def test_a_postgresql_that_does_not_wait_for_its_disk_is_wrong(
    prepared: Installation, tmp_path: Path, careless_postgresql: None
) -> None:
    url = databases.migrated("postgresql", tmp_path)

    found = found_by(check_database, prepared.environ | {"KATYDID_DATABASE_URL": url})

    says(found, "wrong", "fsync=off")
    databases.give_back(url)


def test_a_postgresql_short_of_connections_is_wrong(prepared: Installation, tmp_path: Path) -> None:
    needs("initdb")
    url = databases.migrated("postgresql", tmp_path)
    environ = prepared.environ | {"KATYDID_DATABASE_URL": url}
    address = url.replace("+psycopg", "", 1)
    with ExitStack() as connections:
        for _ in range(int(_shown("max_connections")) * 9 // 10):
            connections.enter_context(psycopg.connect(address))

        found = says(found_by(check_database, environ), "wrong", "connections are in use")
        assert found.advice is not None
        assert "max_connections" in found.advice

        with suppress(psycopg.OperationalError):
            while True:
                connections.enter_context(psycopg.connect(address))
        assert says(found_by(check_database, environ), "wrong", "cannot be used").advice == (
            found.advice
        )
    assert all_ok(found_by(check_database, environ))
    databases.give_back(url)


@pytest.fixture
def careless_postgresql() -> Iterator[None]:
    """The tests' PostgreSQL, with another configuration for the time of a test."""
    needs("initdb")
    data = databases.server().folder / "data"
    configuration = data / "katydid.conf"
    written = configuration.read_text()

    def read_anew(text: str, fsync: str) -> None:
        configuration.write_text(text)
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGHUP)
        wait_until(f"fsync to be {fsync}", lambda: _shown("fsync") == fsync)

    read_anew(f"{written}\nfsync = off\n", "off")
    yield
    read_anew(written, "on")


def _shown(name: str) -> str:
    url = databases.server().url("postgres").replace("+psycopg", "", 1)
    with psycopg.connect(url) as connection:
        [value] = connection.execute(f"SHOW {name}".encode()).fetchone() or [""]
        return str(value)


def test_what_is_late_is_told(prepared: Installation) -> None:
    assert all_ok(found_by(check_archive_lag, prepared.environ))
    at = now() - timedelta(hours=1)
    with prepared.database.writing() as session:
        for name in ("alice", "bob"):
            session.add(Account(name=name, display_name=name, password_hash="!", created_at=at))
        session.add(Conversation(id=1, key="1:2", last_seq=2_500))
        session.flush()
        session.add(Notification(conversation_id=1, account_id=1, due_at=at))
        session.add(Chore(name="retention", due_at=now() - timedelta(days=2)))

    found = found_by(check_archive_lag, prepared.environ)

    says(found, "warning", "2,500 messages", "index of texts")
    says(found, "warning", "1 notifications were due")
    says(found, "warning", "no longer to be kept")


# What runs.


def test_whether_it_runs_is_told(prepared: Installation) -> None:
    says(found_by(check_running, prepared.environ), "warning", "Nothing of it runs now")

    with held_home(prepared.settings):
        says(found_by(check_running, prepared.environ), "ok", f"process {os.getpid()}")


def test_a_site_that_says_all_is_ready_is_fine_and_one_that_does_not_is_wrong(
    prepared: Installation,
) -> None:
    port = prepared.settings.http_port
    says(found_by(check_site, prepared.environ), "skipped", "does not run here")
    with held_home(prepared.settings):
        says(found_by(check_site, prepared.environ), "wrong", "Nobody answers")
    with answering(port, b'{"parts": {"sql": {"ready": true}}}'):
        assert all_ok(found_by(check_site, prepared.environ))
    with answering(port, b'{"parts": {"sql": {"ready": false, "problem": "SQL is away."}}}'):
        says(found_by(check_site, prepared.environ), "wrong", "SQL is away.")
    with answering(port, b"<html>Another program</html>"):
        says(found_by(check_site, prepared.environ), "wrong", "not Katydid's site")


def test_a_door_that_nobody_opens_is_wrong(prepared: Installation) -> None:
    [port] = free_ports(1)
    environ = prepared.environ | {
        "KATYDID_BROKER": "rabbitmq",
        "KATYDID_MQTT_HOST": "127.0.0.1",
        "KATYDID_AUTH_PORT": str(port),
    }
    with taken(port):
        assert all_ok(found_by(check_door, environ))

    with held_home(prepared.settings):
        says(found_by(check_door, environ), "wrong", "no device is let in")


# Clocks.


@pytest.mark.parametrize(
    ("ahead_seconds", "level"), [(0, "ok"), (20, "warning"), (-20, "warning"), (3_600, "wrong")]
)
def test_a_clock_that_is_apart_is_told(
    prepared: Installation, ahead_seconds: int, level: str
) -> None:
    with answering(prepared.settings.http_port, b"{}", ahead_seconds=ahead_seconds):
        found = found_by(check_clocks, prepared.environ)

    says(found, level, "The clock of the site")
    says(found, "ok", "The clock of the database")


@pytest.mark.parametrize(("says_so", "level"), [("yes", "ok"), ("no", "warning"), ("", "skipped")])
def test_a_clock_that_no_service_sets_is_told(
    nothing: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says_so: str,
    level: str,
) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\n[ \"$2\" = --property=NTPSynchronized ] && echo '{says_so}'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    says(found_by(check_clocks, nothing), level, "time service sets the clock")


# TLS.


@pytest.fixture
def certified(prepared: Installation) -> Callable[..., dict[str, str]]:
    """Makes a certificate with its key, as settings."""
    authority = trustme.CA()
    certificate, key = (prepared.settings.home / f"{n}.pem" for n in ("certificate", "key"))

    def make(
        *names: str, lasts: timedelta = timedelta(days=90), begins: datetime | None = None
    ) -> dict[str, str]:
        issued = authority.issue_cert(*names, not_before=begins, not_after=now() + lasts)
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        return prepared.environ | {
            "KATYDID_TLS_CERTIFICATE": str(certificate),
            "KATYDID_TLS_KEY": str(key),
            "KATYDID_PUBLIC_URL": "https://chat.example.org",
            "KATYDID_HTTPS_PORT": str(free_ports(1)[0]),
        }

    return make


def test_a_certificate_for_the_name_that_lasts_is_fine(
    certified: Callable[..., dict[str, str]],
) -> None:
    assert all_ok(found_by(check_certificate_file, certified("chat.example.org")))
    assert all_ok(found_by(check_certificate_file, certified("*.example.org")))


@pytest.mark.parametrize(
    ("name", "days", "level", "word"),
    [
        ("chat.example.org", -1, "wrong", "expired"),
        ("chat.example.org", 5, "warning", "expires in"),
        ("other.example.org", 90, "wrong", "not for chat.example.org"),
    ],
)
def test_a_certificate_that_no_client_takes_is_told(
    certified: Callable[..., dict[str, str]], name: str, days: int, level: str, word: str
) -> None:
    environ = certified(name, lasts=timedelta(days=days))

    says(found_by(check_certificate_file, environ), level, word)


def test_a_certificate_that_is_not_valid_yet_is_wrong(
    certified: Callable[..., dict[str, str]],
) -> None:
    environ = certified("chat.example.org", begins=now() + timedelta(days=1))

    says(found_by(check_certificate_file, environ), "wrong", "is not valid before")


def test_a_port_that_does_not_speak_tls_is_wrong(
    certified: Callable[..., dict[str, str]],
) -> None:
    environ = certified("chat.example.org")
    with answering(int(environ["KATYDID_HTTPS_PORT"]), b"{}"):
        says(found_by(check_certificate_file, environ), "wrong", "does not speak TLS")


def test_a_key_of_another_certificate_or_for_everybody_is_wrong(
    certified: Callable[..., dict[str, str]],
) -> None:
    environ = certified("chat.example.org")
    key = Path(environ["KATYDID_TLS_KEY"])
    key.chmod(0o644)
    says(found_by(check_certificate_file, environ), "wrong", "Everybody can read")

    trustme.CA().issue_cert("chat.example.org").private_key_pem.write_to_path(key)

    says(found_by(check_certificate_file, environ), "wrong", "goes with the key")


def test_a_renewed_certificate_that_is_not_shown_yet_is_told(
    certified: Callable[..., dict[str, str]],
) -> None:
    environ = certified("chat.example.org")
    port = int(environ["KATYDID_HTTPS_PORT"])
    files = environ["KATYDID_TLS_CERTIFICATE"], environ["KATYDID_TLS_KEY"]
    with answering(port, b"{}", certificate=files):
        says(found_by(check_certificate_file, environ), "ok", "shows this certificate")

        certified("chat.example.org")

        says(found_by(check_certificate_file, environ), "warning", "shows another certificate")


# The broker's configuration.


@pytest.mark.parametrize(
    ("right", "broken"),
    [
        ("max_queued_messages 1000000", "max_queued_messages 100"),
        ("max_queued_bytes 134217728", "max_queued_bytes 4096"),
        ("max_inflight_messages 1000", "#"),
        ("persistence true", "persistence false"),
        ("autosave_interval 10", "#"),
        ("autosave_on_changes false", "autosave_on_changes true"),
        ("allow_anonymous false", "allow_anonymous true"),
    ],
)
def test_a_broker_that_drops_or_forgets_is_told_by_its_configuration(
    prepared: Installation, right: str, broken: str
) -> None:
    needs("mosquitto")
    from cli.broker import configuration

    says(found_by(check_queues, prepared.environ), "skipped", "the first start")
    prepared.settings.broker_dir.mkdir()
    file = prepared.settings.broker_dir / "mosquitto.conf"
    written = configuration(prepared.settings)
    file.write_text(written)
    assert all_ok(found_by(check_queues, prepared.environ))

    file.write_text(written.replace(f"\n{right}\n", f"\n{broken}\n"))

    says(found_by(check_queues, prepared.environ), "wrong", right.partition(" ")[0])


def test_a_broker_that_was_started_with_other_settings_is_told(prepared: Installation) -> None:
    needs("mosquitto")
    from cli.broker import configuration

    prepared.settings.broker_dir.mkdir()
    file = prepared.settings.broker_dir / "mosquitto.conf"
    file.write_text(configuration(prepared.settings))

    other = prepared.environ | {"KATYDID_MQTT_PORT": str(free_ports(1)[0])}

    says(found_by(check_queues, other), "warning", "these settings")
