"""`./katydid up`: from whatever is there to a running chat, until Ctrl-C or SIGTERM.

Prepares, checks that nothing stands in the way, hands broker, bridge and web to the supervisor,
and says where to open it. Every problem is one sentence.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.devices import all_devices
from chat.errors import KatydidError
from chat.secrets import Secrets, load_secrets, make_missing_secrets
from chat.settings import Settings, settings_from
from cli.prepare import bring_browser_libraries, bring_programs, make_home, say
from cli.supervision import children_environ, write_configuration
from mqtt_acl.issuer import credentials_of
from mqtt_acl.mosquitto import DynamicSecurityIssuer

_READY_WITHIN_SECONDS = 60.0
_STOPPED_WITHIN_SECONDS = 20.0


class CannotStart(KatydidError):
    """Something stands in the way that is not ours to remove."""


def up(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Runs until it is told to stop. Exit status: 0 then, 1 when it could not start."""
    if arguments:
        raise CannotStart("up takes no arguments; settings are environment variables.")
    os.umask(0o077)
    settings = settings_from(environ)
    _refuse_what_is_not_built(settings)
    make_home(settings)
    with _only_one(settings) as _:
        _refuse_taken_ports(settings)
        if settings.starts_broker:
            bring_programs({"mosquitto": "mosquitto"})
        bring_browser_libraries()
        _prepare_data(settings)
        _warn_of_open_doors(settings)
        return _run(settings, environ)


# What stands in the way.


def _refuse_what_is_not_built(settings: Settings) -> None:
    if settings.broker != "mosquitto":
        raise CannotStart("KATYDID_BROKER must be mosquitto in this version.")
    if not settings.database_url.startswith("sqlite"):
        raise CannotStart("KATYDID_DATABASE_URL must be sqlite:///PATH in this version.")


def _only_one(settings: Settings) -> IO[str]:
    """Held open while this installation runs; the lock goes with the process, however it ends."""
    lock = (settings.run_dir / "up.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        running = lock.read().strip() or "unknown"
        lock.close()
        problem = f"it runs already from {settings.home} (process {running})"
        raise CannotStart(f"{problem}; stop that one, or set another KATYDID_HOME.") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _refuse_taken_ports(settings: Settings) -> None:
    ports = {"KATYDID_HTTP_PORT": settings.http_port}
    if settings.starts_broker:
        ports["KATYDID_MQTT_PORT"] = settings.mqtt_port
        ports["KATYDID_WEBSOCKET_PORT"] = settings.websocket_port
    if len(set(ports.values())) < len(ports):
        raise CannotStart(f"{', '.join(ports)} must be different ports.")
    for name, port in ports.items():
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                where = f"port {port} on {settings.host}"
                raise CannotStart(
                    f"{where} cannot be used: {(error.strerror or str(error)).lower()};"
                    f" free it, or set {name} to another one."
                ) from None


def _warn_of_open_doors(settings: Settings) -> None:
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        say(
            f"warning: KATYDID_HOST is {settings.host}, and nothing here is encrypted;"
            " put a proxy with TLS in front before strangers can reach it."
        )


# What must be there.


def _prepare_data(settings: Settings) -> None:
    """Secrets and tables; a broker that runs elsewhere hears of all devices."""
    for path in make_missing_secrets(settings):
        say(f"made the secret {path}")
    database = Database(settings.database_url)
    try:
        database.migrate()
        if not settings.starts_broker:
            _restore_elsewhere(settings, load_secrets(settings), database)
    except SQLAlchemyError as error:
        problem = getattr(error, "orig", error)
        raise CannotStart(f"the database {settings.database_url} fails: {problem}.") from None
    finally:
        database.close()


def _restore_elsewhere(settings: Settings, secrets: Secrets, database: Database) -> None:
    issuer = DynamicSecurityIssuer(settings, secrets)
    with database.reading() as session:
        issuer.restore(
            credentials_of(account, device, secrets.server_key)
            for account, device in all_devices(session)
        )
    issuer.close()


# Running.


def _run(settings: Settings, environ: Mapping[str, str]) -> int:
    configuration = write_configuration(settings)
    python = sys.executable
    # In a session of its own: Ctrl-C reaches only us, and we stop it in good order.
    supervisor = subprocess.Popen(
        [python, "-m", "cli.tied", python, "-m", "supervisor.supervisord", "-c", configuration],
        env=children_environ(settings, environ),
        start_new_session=True,
    )
    stop = _Stop(supervisor)
    try:
        _wait_until_ready(settings, supervisor, stop)
        if not stop.asked:
            _say_where(settings)
        supervisor.wait()
    finally:
        stop()
        try:
            supervisor.wait(timeout=_STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()
    if not stop.asked:
        raise CannotStart(f"the supervisor ended; see {settings.logs_dir}/supervisor.log.")
    say("stopped")
    return 0


class _Stop:
    """Stops the supervisor once: at SIGINT, at SIGTERM, or when called."""

    def __init__(self, supervisor: "subprocess.Popen[bytes]") -> None:
        self._supervisor = supervisor
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGTERM, self._ask)

    def __call__(self) -> None:
        if self._supervisor.poll() is None:
            self._supervisor.send_signal(signal.SIGTERM)

    def _ask(self, *_: object) -> None:
        if not self.asked:
            say("stopping")
        self.asked = True
        self()


def _wait_until_ready(
    settings: Settings, supervisor: "subprocess.Popen[bytes]", stop: _Stop
) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while (missing := _not_ready(settings)) and supervisor.poll() is None and not stop.asked:
        if time.monotonic() > deadline:
            where = f"see the files in {settings.logs_dir}"
            raise CannotStart(f"not ready within 60 s: {', '.join(missing)}; {where}.")
        time.sleep(0.1)


def _not_ready(settings: Settings) -> list[str]:
    """What the site says is not ready yet; at first, the site itself."""
    try:
        with urllib.request.urlopen(f"{_own_url(settings)}/healthz", timeout=3):  # noqa: S310
            return []
    except urllib.error.HTTPError as error:
        with error:
            try:
                parts = json.load(error)
            except ValueError:
                return ["web"]
        return [part for part, state in parts.items() if state != "ready"] or ["web"]
    except OSError:
        return ["web"]


def _own_url(settings: Settings) -> str:
    host = settings.host
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return (
        f"http://[{host}]:{settings.http_port}"
        if ":" in host
        else (f"http://{host}:{settings.http_port}")
    )


def _say_where(settings: Settings) -> None:
    print(
        f"Katydid is ready. Open {settings.public_url or _own_url(settings)}\n"
        "From a program or a thing (Settings, Add a device, shows this line filled in):\n"
        f"  mosquitto_pub -V 5 -h {settings.broker_host} -p {settings.mqtt_port} -q 1"
        " -i DEVICE -u DEVICE -P PASSWORD"
        " -t chat/v1/up/SHARD/ACCOUNT/TO/send -m 'Hello'\n"
        "Ctrl-C stops everything.",
        flush=True,
    )
