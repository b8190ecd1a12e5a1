"""`python -m cli.broker`: prepares mosquitto behind closed doors, then becomes it.

Before the doors open, its dynamic security is written anew from SQL, and the bridge's sessions
exist: a broker acknowledges a message that nobody is subscribed to, and forgets it. So this runs
at every start of the broker, also after it was killed or has lost its state.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

from bridge.connecting import create_sessions
from bridge.session import SessionLost
from chat.database import Database
from chat.devices import all_devices
from chat.errors import KatydidError
from chat.presence import nobody_is_online
from chat.secrets import Secrets, load_secrets
from chat.settings import REPOSITORY, Settings, settings_from
from cli.private_files import write_private
from cli.programs import find_program
from cli.tied import tie_to_parent
from mqtt_acl.dynamic_security import whole_file
from mqtt_acl.issuer import credentials_of

_MARK = "[installation]"
_PLUGIN = "mosquitto_dynamic_security.so"
_PLUGIN_FOLDERS = (
    "usr/lib/*",
    "usr/lib",
    "usr/lib64",
    "usr/local/lib",
    "usr/local/lib/*",
    "opt/homebrew/lib",
)
_READY_WITHIN_SECONDS = 10.0
# Saving a million waiting messages takes its time.
_SAVED_WITHIN_SECONDS = 60.0


class BrokerNotReady(KatydidError):
    """mosquitto cannot be started here."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"mosquitto cannot be started: {problem}.")


class EndedAtOnce(BrokerNotReady):
    """mosquitto found something that it cannot start with."""


def main() -> NoReturn:
    """The process is mosquitto from here on, unless it cannot be."""
    # A way out through every `finally`; exec puts the signal back to what it was.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = settings_from(os.environ)
        program, config = prepare(settings, load_secrets(settings))
    except (KatydidError, OSError, SQLAlchemyError) as error:
        print(f"broker: {error}", file=sys.stderr)
        sys.exit(2)
    os.execv(program, [program, "-c", str(config)])  # noqa: S606


def prepare(settings: Settings, secrets: Secrets) -> tuple[str, Path]:
    """All that must be so before the doors open; answers the program and its config file."""
    program = mosquitto_program()
    settings.broker_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = settings.broker_dir / "mosquitto.conf"
    config.write_text(configuration(settings), encoding="utf-8")
    _write_dynamic_security(settings, secrets)
    try:
        _create_sessions_behind_closed_doors(settings, secrets, program)
    except EndedAtOnce:
        state = settings.broker_dir / "mosquitto.db"
        if not state.exists():
            raise
        _create_sessions_without(state, settings, secrets, program)
    return program, config


def mosquitto_program() -> str:
    """Where mosquitto is."""
    program = find_program("mosquitto")
    if program is None:
        raise BrokerNotReady("it is not installed")
    return program


def dynamic_security_plugin() -> Path:
    """Where the plugin is that came with mosquitto."""
    for folder in _PLUGIN_FOLDERS:
        for plugin in Path("/").glob(f"{folder}/{_PLUGIN}"):
            return plugin
    problem = f"its plugin {_PLUGIN}, which comes with version 2.0 and newer, is not there"
    raise BrokerNotReady(problem)


def configuration(settings: Settings) -> str:
    """The repository's mosquitto.conf with this installation's lines."""
    folder = settings.broker_dir
    address, domain = _numeric(settings.plain_host)
    ours = {
        "plugin": f"plugin {dynamic_security_plugin()}",
        "plugin_opt_config_file": f"plugin_opt_config_file {folder}/dynamic-security.json",
        "listener 1883": f"listener {settings.mqtt_port} {address}",
        "listener 9001": f"listener {settings.websocket_port} {address}",
        "socket_domain": f"socket_domain {domain}",
        "persistence_location": f"persistence_location {folder}/",
    }
    lines = (REPOSITORY / "mosquitto.conf").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if lines[number - 1].endswith(_MARK):
            [lines[number]] = [ours[key] for key in ours if line.startswith(f"{key} ")]
    return "\n".join([*lines, ""])


def _numeric(host: str) -> tuple[str, str]:
    """The address of a host, and its kind: the WebSocket listener takes no names."""
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror:
        raise BrokerNotReady(f"no address is known for {host}") from None
    return str(address[0]), "ipv6" if family == socket.AF_INET6 else "ipv4"


def _write_dynamic_security(settings: Settings, secrets: Secrets) -> None:
    """SQL is the truth: whatever the file said before, it says what SQL says now."""
    database = Database(settings.database_url)
    try:
        with database.writing() as session:
            nobody_is_online(session)  # a broker that starts has no connections
        with database.reading() as session:
            everyone = [
                credentials_of(account, device, secrets.server_key)
                for account, device in all_devices(session)
            ]
    except SQLAlchemyError as error:
        raise BrokerNotReady(f"SQL does not say who there is: {error}") from None
    finally:
        database.close()
    file = settings.broker_dir / "dynamic-security.json"
    write_private(file, json.dumps(whole_file(secrets, everyone)))


def _create_sessions_behind_closed_doors(
    settings: Settings, secrets: Secrets, program: str
) -> None:
    """Run mosquitto where nobody else reaches it, until the bridge's sessions are on its disk.

    At every start, not only without a mosquitto.db: one that was stopped half-way has some of them,
    and one that was away for longer than persistent_client_expiration lets them go as it starts.
    """
    # Not in KATYDID_HOME, whose path may be longer than the 107 bytes that a socket's may have.
    with TemporaryDirectory(prefix="katydid-") as folder:
        socket_path = Path(folder) / "closed"
        config = settings.broker_dir / "closed.conf"
        config.write_text(_closed(configuration(settings), socket_path), encoding="utf-8")
        broker = subprocess.Popen([program, "-c", str(config)], preexec_fn=tie_to_parent)
        try:
            _wait_for(socket_path, broker)
            create_sessions(settings, secrets, socket_path)
        except SessionLost as error:
            raise BrokerNotReady(f"the bridge's sessions could not be made: {error}") from None
        finally:
            _save_and_stop(broker)


def _create_sessions_without(
    state: Path, settings: Settings, secrets: Secrets, program: str
) -> None:
    """A disk that was full cuts the file, and mosquitto does not start with what it cannot read. An
    older copy is no help: what waited in it was taken since, and would come a second time."""
    aside = state.with_name("mosquitto.db.unreadable")
    state.replace(aside)
    try:
        _create_sessions_behind_closed_doors(settings, secrets, program)
    except EndedAtOnce:
        aside.replace(state)  # it was something else
        raise
    print(
        f"broker: mosquitto cannot read {state}, which was put aside as {aside.name}: what waited"
        " in it, for the bridge and for who is away, is not delivered.",
        file=sys.stderr,
    )


def _closed(config: str, socket_path: Path) -> str:
    """The same broker, reachable at a private socket alone, which knows no TCP_NODELAY."""
    doors = ("listener ", "protocol ", "socket_domain ", "set_tcp_nodelay ")
    lines = [line for line in config.splitlines() if not line.startswith(doors)]
    return "\n".join([*lines, f"listener 0 {socket_path}", ""])


def _wait_for(socket_path: Path, broker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not _is_open(socket_path):
        if broker.poll() is not None:
            raise EndedAtOnce(f"it ended at once with status {broker.returncode}")
        if time.monotonic() > deadline:
            raise BrokerNotReady(f"it did not listen within {_READY_WITHIN_SECONDS:.0f} s")
        time.sleep(0.01)


def _is_open(socket_path: Path) -> bool:
    """Whether somebody listens there: the file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(socket_path)) == 0


def _save_and_stop(broker: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        broker.send_signal(signal.SIGTERM)  # upon which it saves
    try:
        broker.wait(timeout=_SAVED_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        broker.kill()
        broker.wait()
        raise BrokerNotReady("it did not save its state in time") from None


if __name__ == "__main__":
    main()
