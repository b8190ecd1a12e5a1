"""The supervisor's configuration: broker, bridge, web and door, each restarted when it dies.

`supervisor` (supervisord.org) does the work: it starts a child that ran for a while again at once,
waits one second longer before each new try of one that dies young, keeps their output in files
that do not grow for ever, and ends them all at SIGTERM, the broker last.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from chat.settings import REPOSITORY, Settings

# The supervisor gives a child up after so many tries in a row; ours are never given up. With one
# second more each time, the wait after an outage of an hour is 85 s, after one of a day 7 minutes.
_TRIES = 1_000_000
# How long a child may take to end before it is killed, processes of its own included.
_STOP_SECONDS = {"broker": 60, "bridge": 8, "web": 8, "door": 8}  # mosquitto writes its queues
_WORKERS = 2
_THREADS_PER_WORKER = 8
# The site's clients come and go; RabbitMQ's connections idle for up to 120 s, and a question that
# arrives as we end one counts as refused.
_KEEP_ALIVE_SECONDS = {"web": 30, "door": 150}
# Of all, one after the other.
STOPPED_WITHIN_SECONDS = sum(_STOP_SECONDS.values()) + 6.0


def write_configuration(settings: Settings) -> Path:
    """The file that the supervisor is started with."""
    python = [sys.executable, "-m"]
    commands = {"bridge": [*python, "bridge"], "web": web_command(settings)}
    if settings.broker == "rabbitmq":
        commands = {"door": door_command(settings), **commands}
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
        "PROMETHEUS_MULTIPROC_DIR": str(settings.metrics_dir),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
    }


def _independent_of_folder(database_url: str) -> str:
    scheme, slashes, path = database_url.partition(":///")
    if scheme != "sqlite":
        return database_url
    return f"{scheme}{slashes}{Path(path).absolute()}"


def web_command(settings: Settings) -> list[str]:
    """What runs the site."""
    return _gunicorn(settings, "web", "web:site()", settings.host, settings.http_port)


def door_command(settings: Settings) -> list[str]:
    """What runs the door that RabbitMQ asks at."""
    return _gunicorn(settings, "door", "web.door:door()", settings.auth_host, settings.auth_port)


def _gunicorn(settings: Settings, name: str, app: str, host: str, port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "gunicorn",
        app,
        # Loaded once, then forked: half the work at the start, and half the memory.
        "--preload",
        f"--bind=[{host}]:{port}" if ":" in host else f"--bind={host}:{port}",
        "--worker-class=gthread",
        f"--workers={_WORKERS}",
        f"--threads={_THREADS_PER_WORKER}",
        f"--keep-alive={_KEEP_ALIVE_SECONDS[name]}",
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
