"""`python -m cli.broker`: prepares mosquitto behind closed doors, then becomes it.

Before the doors open, its dynamic security is written anew from SQL, and the bridge's sessions
exist: a broker acknowledges a message that nobody is subscribed to, and forgets it. So this runs
at every start of the broker, also after it was killed or has lost its state.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from bridge.session import SessionLost, create_sessions
from chat.database import Database
from chat.devices import all_devices
from chat.errors import KatydidError
from chat.presence import nobody_is_online
from chat.secrets import Secrets, load_secrets
from chat.settings import REPOSITORY, Settings, settings_from
from mqtt_acl.dynamic_security import whole_file
from mqtt_acl.issuer import credentials_of

_MARK = "# [installation]"
_PLUGIN = "mosquitto_dynamic_security.so"
_PLUGIN_FOLDERS = (
    "/usr/lib/*/",
    "/usr/lib/",
    "/usr/lib64/",
    "/usr/local/lib/",
    "/opt/homebrew/lib/",
    "/usr/local/opt/mosquitto/lib/",
)
_READY_WITHIN_SECONDS = 10.0


class BrokerNotReady(KatydidError):
    """mosquitto cannot be started here."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"mosquitto cannot be started: {problem}.")


def main() -> NoReturn:
    """The process is mosquitto from here on, unless it cannot be."""
    try:
        settings = settings_from(os.environ)
        program, config = prepare(settings, load_secrets(settings))
    except KatydidError as error:
        print(f"broker: {error}", file=sys.stderr)
        sys.exit(2)
    os.execv(program, [program, "-c", str(config)])  # noqa: S606


def prepare(settings: Settings, secrets: Secrets) -> tuple[str, Path]:
    """All that must be so before the doors open; answers the program and its config file."""
    program = mosquitto_program()
    settings.broker_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_dynamic_security(settings, secrets)
    if not (settings.broker_dir / "mosquitto.db").exists():
        _create_sessions_behind_closed_doors(settings, secrets, program)
    config = settings.broker_dir / "mosquitto.conf"
    config.write_text(_config(settings), encoding="utf-8")
    return program, config


def mosquitto_program() -> str:
    """Where mosquitto is; Debian keeps it off an ordinary user's PATH."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    program = shutil.which("mosquitto", path=path)
    if program is None:
        raise BrokerNotReady("it is not installed")
    return program


def dynamic_security_plugin() -> Path:
    """Where the plugin is that came with mosquitto."""
    for folder in _PLUGIN_FOLDERS:
        for plugin in Path("/").glob(folder.lstrip("/") + _PLUGIN):
            return plugin
    raise BrokerNotReady(f"its plugin {_PLUGIN} is not beside the system's libraries")


def _write_dynamic_security(settings: Settings, secrets: Secrets) -> None:
    """SQL is the truth: whatever the file said before, it says what SQL says now."""
    database = Database(settings.database_url)
    with database.writing() as session:
        nobody_is_online(session)  # a broker that starts has no connections
    with database.reading() as session:
        everyone = [
            credentials_of(account, device, secrets.server_key)
            for account, device in all_devices(session)
        ]
    database.close()
    file = settings.broker_dir / "dynamic-security.json"
    draft = file.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(whole_file(secrets, everyone)), encoding="utf-8")
    draft.replace(file)


def _create_sessions_behind_closed_doors(
    settings: Settings, secrets: Secrets, program: str
) -> None:
    """Run mosquitto where nobody else reaches it, until the bridge's sessions are on its disk."""
    socket_path = settings.broker_dir / "closed"
    config = settings.broker_dir / "closed.conf"
    config.write_text(_config(settings, f"listener 0 {socket_path}"), encoding="utf-8")
    socket_path.unlink(missing_ok=True)
    broker = subprocess.Popen([program, "-c", str(config)])
    try:
        _wait_for(socket_path, broker)
        create_sessions(settings, secrets, socket_path)
    except SessionLost as error:
        raise BrokerNotReady(f"the bridge's sessions could not be made: {error}") from None
    finally:
        broker.send_signal(signal.SIGTERM)  # upon which it saves
        broker.wait(timeout=_READY_WITHIN_SECONDS)
        socket_path.unlink(missing_ok=True)


def _wait_for(socket_path: Path, broker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not socket_path.is_socket():
        if broker.poll() is not None:
            raise BrokerNotReady(f"it ended at once with status {broker.returncode}")
        if time.monotonic() > deadline:
            raise BrokerNotReady(f"it did not listen within {_READY_WITHIN_SECONDS:.0f} s")
        time.sleep(0.02)


def _config(settings: Settings, only_listener: str | None = None) -> str:
    """The repository's mosquitto.conf with this installation's lines."""
    template = (REPOSITORY / "mosquitto.conf").read_text(encoding="utf-8")
    folder = settings.broker_dir
    ours = {
        "plugin": f"plugin {dynamic_security_plugin()}",
        "plugin_opt_config_file": f"plugin_opt_config_file {folder}/dynamic-security.json",
        "listener 1883": f"listener {settings.mqtt_port} {settings.host}",
        "listener 9001": f"listener {settings.websocket_port} {settings.host}",
        "persistence_location": f"persistence_location {folder}/",
    }
    lines = []
    for line in template.splitlines():
        if _MARK in line:
            [line] = [ours[key] for key in ours if line.startswith(key + " ")]
        if only_listener is not None and line.startswith(("listener ", "protocol ")):
            line, only_listener = (only_listener, "") if only_listener else ("", "")
        lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
