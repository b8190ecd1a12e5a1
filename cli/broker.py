"""`python -m cli.broker`: prepares mosquitto behind closed doors, then becomes it.

Before the doors open, its dynamic security is written anew from SQL, and the bridge's sessions
exist: a broker acknowledges a message that nobody is subscribed to, and forgets it. What another
version kept, it has by then. So this runs at every start of the broker, also after it was killed
or has lost its state.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
from cli.broker_state import (
    other_state_of,
    prepare_state,
    put_aside,
    put_back,
    remove,
    state_of,
)
from cli.handing_over import HandingOverFailed, hand_over
from cli.kept_sessions import StateUnreadable, read_sessions
from cli.mosquitto import (
    BrokerNotReady,
    dynamic_security_plugin,
    mosquitto_program,
    persist_sqlite_plugin,
)
from cli.open_files import allow_many_open_files
from cli.private_files import write_private
from cli.tied import tie_to_parent
from mqtt_acl.dynamic_security import whole_file
from mqtt_acl.issuer import credentials_of

_MARK = "[installation]"
_READY_WITHIN_SECONDS = 10.0
# Saving a million waiting messages takes its time.
_SAVED_WITHIN_SECONDS = 60.0


class EndedAtOnce(BrokerNotReady):
    """mosquitto found something that it cannot start with."""


def main() -> NoReturn:
    """The process is mosquitto from here on, unless it cannot be."""
    # A way out through every `finally`; exec puts the signal back to what it was.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.umask(0o077)  # the plugin persist-sqlite asks for no mode of its own
    try:
        settings = settings_from(os.environ)
        program, config = prepare(settings, load_secrets(settings))
    except (KatydidError, OSError, SQLAlchemyError) as error:
        print(f"broker: {error}", file=sys.stderr)
        sys.exit(2)
    allow_many_open_files()
    os.execv(program, [program, "-c", str(config)])  # noqa: S606


def prepare(settings: Settings, secrets: Secrets) -> tuple[str, Path]:
    """All that must be so before the doors open; answers the program and its config file."""
    program = mosquitto_program()
    settings.broker_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = settings.broker_dir / "mosquitto.conf"
    config.write_text(configuration(settings), encoding="utf-8")
    _write_dynamic_security(settings, secrets)
    state = state_of(settings.broker_dir)
    try:
        prepare_state(state)
    except StateUnreadable:
        _say_put_aside(state, put_aside(state))
    try:
        _fill_behind_closed_doors(settings, program)
    except EndedAtOnce:
        if not state.exists():
            raise
        _fill_without(state, settings, program)
    return program, config


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
        "persistence": "persistence true",
        "persistence_location": f"persistence_location {folder}/",
        "autosave_interval": "autosave_interval 10",
        "autosave_on_changes": "autosave_on_changes false",
    }
    if (plugin := persist_sqlite_plugin()) is not None:
        # It refuses to be loaded beside `persistence true`. What it costs and loses with other
        # options: docs/brokers.md.
        ours |= {
            "persistence": f"plugin {plugin}",
            "autosave_interval": "plugin_opt_flush_period 0",
            "autosave_on_changes": "plugin_opt_sync normal",
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
                credentials_of(account, device, secrets.server_keys)
                for account, device in all_devices(session)
            ]
    except SQLAlchemyError as error:
        raise BrokerNotReady(f"SQL does not say who there is: {error}") from None
    finally:
        database.close()
    file = settings.broker_dir / "dynamic-security.json"
    write_private(file, json.dumps(whole_file(secrets, everyone)))


def _fill_behind_closed_doors(settings: Settings, program: str) -> None:
    """Run mosquitto where nobody else reaches it, until what another version kept and the bridge's
    sessions are on its disk.

    At every start, not only without a state: one that was stopped half-way has some of them, and
    one that was away for longer than persistent_client_expiration lets them go as it starts.
    """
    other = other_state_of(settings.broker_dir)
    if other.exists():
        _take_over(other, settings, program)
    with _closed_broker(settings, program, _closed(configuration(settings))) as socket_path:
        try:
            create_sessions(settings, socket_path)
        except SessionLost as error:
            raise BrokerNotReady(f"the bridge's sessions could not be made: {error}") from None


def _take_over(other: Path, settings: Settings, program: str) -> None:
    """A mosquitto that came with the plugin persist-sqlite, or lost it, has the other file's
    sessions, and that file is gone."""
    try:
        prepare_state(other)
        sessions = read_sessions(other)
    except StateUnreadable:
        _say_put_aside(other, put_aside(other))
        return
    config = _for_anybody(_closed(configuration(settings)))
    try:
        with _closed_broker(settings, program, config) as socket_path:
            hand_over(sessions, socket_path)
    except HandingOverFailed as error:
        problem = f"{error.problem}; it starts without that when {other} is moved away"
        raise BrokerNotReady(problem) from None
    remove(other)
    waiting = sum(len(session.waiting) for session in sessions)
    print(
        f"broker: took over {other}: {len(sessions)} sessions, in which {waiting} messages wait.",
        file=sys.stderr,
    )


def _fill_without(state: Path, settings: Settings, program: str) -> None:
    """A disk that was full cuts the file, and mosquitto does not start with what it cannot read. An
    older copy is no help: what waited in it was taken since, and would come a second time."""
    aside = put_aside(state)
    try:
        _fill_behind_closed_doors(settings, program)
    except EndedAtOnce:
        put_back(state)  # it was something else
        raise
    _say_put_aside(state, aside)


def _say_put_aside(state: Path, aside: Path) -> None:
    print(
        f"broker: mosquitto cannot read {state}, which was put aside as {aside.name}: what waited"
        " in it, for the bridge and for who is away, is not delivered.",
        file=sys.stderr,
    )


@contextmanager
def _closed_broker(settings: Settings, program: str, config: str) -> Iterator[Path]:
    """While mosquitto runs with that configuration, at the private socket that comes; then it has
    saved all."""
    # Not in KATYDID_HOME, whose path may be longer than the 107 bytes that a socket's may have.
    with TemporaryDirectory(prefix="katydid-") as folder:
        socket_path = Path(folder) / "closed"
        file = settings.broker_dir / "closed.conf"
        file.write_text(f"{config}listener 0 {socket_path}\n", encoding="utf-8")
        broker = subprocess.Popen([program, "-c", str(file)], preexec_fn=tie_to_parent)
        try:
            _wait_for(socket_path, broker)
            yield socket_path
        finally:
            _save_and_stop(broker)


def _closed(config: str) -> str:
    """The same broker without its doors, and without TCP_NODELAY, which a socket does not know."""
    of_doors = ("listener ", "protocol ", "socket_domain ", "max_connections ", "max_topic_alias ")
    return _without(config, *of_doors, "set_tcp_nodelay ")


def _for_anybody(config: str) -> str:
    """The same broker without its rights: one who asks is each client in turn."""
    rights = (f"plugin {dynamic_security_plugin()}", "plugin_opt_config_file ", "allow_anonymous ")
    return _without(config, *rights) + "allow_anonymous true\n"


def _without(config: str, *beginnings: str) -> str:
    lines = [line for line in config.splitlines() if not line.startswith(beginnings)]
    return "\n".join([*lines, ""])


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
