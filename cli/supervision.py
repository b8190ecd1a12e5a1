"""The supervisor's configuration: broker, bridge and web, each restarted when it dies.

`supervisor` (supervisord.org) does the work: it waits one second longer before each new try of a
child that dies at once, starts any other again immediately, keeps their output in files that do
not grow for ever, and ends them all at SIGTERM.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from chat.settings import REPOSITORY, Settings

# supervisor gives a child up after so many tries in a row; ours are never given up.
_TRIES = 1_000_000
_WEB_WORKERS = 2
_THREADS_PER_WORKER = 8


def write_configuration(settings: Settings) -> Path:
    """The file that the supervisor is started with."""
    python = sys.executable
    tied = [python, "-m", "cli.tied"]
    sections = [_supervisor(settings)]
    if settings.starts_broker:
        sections.append(_program(settings, "broker", [*tied, python, "-m", "cli.broker"], 10))
    sections.append(_program(settings, "bridge", [*tied, python, "-m", "bridge"], 20))
    sections.append(_program(settings, "web", [*tied, *_web(settings)], 30))
    file = settings.run_dir / "supervisord.conf"
    file.write_text("\n".join(sections), encoding="utf-8")
    return file


def children_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What the children find in their environment."""
    return {
        **environ,
        "KATYDID_HOME": str(settings.home),  # absolute now, wherever they run
        "PROMETHEUS_MULTIPROC_DIR": str(settings.metrics_dir),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
    }


def _web(settings: Settings) -> list[str]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "web:site()",
        f"--bind={host}:{settings.http_port}",
        "--worker-class=gthread",
        f"--workers={_WEB_WORKERS}",
        f"--threads={_THREADS_PER_WORKER}",
        "--keep-alive=30",
        "--timeout=30",
        "--graceful-timeout=3",
        "--log-level=warning",
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
        command=" ".join(_quoted(word) for word in command),
        priority=priority,
        autorestart="true",
        startsecs="2",
        startretries=_TRIES,
        stopsignal="TERM",
        stopwaitsecs="8",
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


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\"'\"'") + "'" if not word.isalnum() else word


def _escaped(value: str) -> str:
    """A percent sign begins an expansion in this file."""
    return value.replace("%", "%%")
