"""The supervisor's configuration: broker, bridge and web, each restarted when it dies.

`supervisor` (supervisord.org) does the work: it starts a child that ran for a while again at once,
waits one second longer before each new try of one that dies young, keeps their output in files
that do not grow for ever, and ends them all at SIGTERM, the broker last.
"""

import hashlib
import os
import shlex
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from chat.settings import REPOSITORY, Settings

# The supervisor gives a child up after so many tries in a row; ours are never given up. With one
# second more each time, the wait after an outage of an hour is 85 s, after one of a day 7 minutes.
_TRIES = 1_000_000
# How long a child may take to end before it is killed, processes of its own included.
_STOP_SECONDS = {"broker": 60, "bridge": 8, "web": 8}  # mosquitto writes its queues to the disk
_WEB_WORKERS = 2
_THREADS_PER_WORKER = 8
# Of the three, one after the other.
STOPPED_WITHIN_SECONDS = sum(_STOP_SECONDS.values()) + 6.0


def write_configuration(settings: Settings) -> Path:
    """The file that the supervisor is started with."""
    python = [sys.executable, "-m"]
    commands = {"bridge": [*python, "bridge"], "web": _web(settings)}
    if settings.starts_broker:
        commands = {"broker": [*python, "cli.broker"], **commands}
    sections = [_supervisor(settings)]
    for priority, (name, command) in enumerate(commands.items()):
        sections.append(_program(settings, name, [*python, "cli.tied", *command], priority))
    file = settings.run_dir / "supervisord.conf"
    file.write_text("\n".join(sections), encoding="utf-8")
    return file


def children_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What the children find in their environment; they run in the repository."""
    return {
        **environ,
        "KATYDID_HOME": str(settings.home),
        "KATYDID_DATABASE_URL": _independent_of_folder(settings.database_url),
        "KATYDID_BRIDGE_NAME": settings.bridge_name or _bridge_name(settings),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.metrics_dir),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
    }


def _bridge_name(settings: Settings) -> str:
    """The same at each start, and no other installation's: a bridge that is started again has its
    shards back at once."""
    place = f"{socket.gethostname()} {settings.home}"
    return f"up-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def _independent_of_folder(database_url: str) -> str:
    scheme, slashes, path = database_url.partition(":///")
    if scheme != "sqlite":
        return database_url
    return f"{scheme}{slashes}{Path(path).absolute()}"


def _web(settings: Settings) -> list[str]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "web:site()",
        # Loaded once, then forked: half the work at the start, and half the memory.
        "--preload",
        f"--bind={host}:{settings.http_port}",
        "--worker-class=gthread",
        f"--workers={_WEB_WORKERS}",
        f"--threads={_THREADS_PER_WORKER}",
        "--keep-alive=30",
        "--timeout=30",
        "--graceful-timeout=3",
        "--log-level=warning",
        "--no-control-socket",
        f"--worker-tmp-dir={settings.run_dir}",
    ]


def _supervisor(settings: Settings) -> str:
    return _section(
        "supervisord",
        nodaemon="true",
        silent="true",
        # Said in words, so that the supervisor does not warn of what was meant.
        **({"user": "root"} if os.geteuid() == 0 else {}),
        umask="077",
        directory=REPOSITORY,
        pidfile=settings.run_dir / "supervisord.pid",
        logfile=settings.logs_dir / "supervisor.log",
        logfile_maxbytes="10MB",
        logfile_backups="1",
    )


def _program(settings: Settings, name: str, command: list[str], priority: int) -> str:
    return _section(
        f"program:{name}",
        command=shlex.join(command),
        priority=priority,
        autorestart="true",
        startsecs="2",
        startretries=_TRIES,
        stopsignal="TERM",
        stopwaitsecs=_STOP_SECONDS[name],
        stopasgroup="true",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=settings.logs_dir / f"{name}.log",
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups="3",
    )


def _section(title: str, **values: object) -> str:
    lines = [f"{key} = {_escaped(str(value))}" for key, value in values.items()]
    return "\n".join([f"[{title}]", *lines, ""])


def _escaped(value: str) -> str:
    """A percent sign begins an expansion in this file."""
    return value.replace("%", "%%")
