"""`python -m cli.web site` or `… door`: becomes gunicorn, which serves the site, or the door at
which RabbitMQ asks who may do what, where the settings say."""

import os
import sys
from typing import NoReturn

from chat.errors import KatydidError
from chat.hosts import address
from chat.settings import Settings, settings_from
from cli.counting import count_alone_on_a_full_disk
from cli.open_files import allow_many_open_files

_WORKERS = 2
_THREADS_PER_WORKER = 8
# Idle ones are kept for a while, 3.4 kB each: with gunicorn's own 1,000, a few thousand browsers
# that come back after a cut would wait for each other's to end.
_CONNECTIONS_PER_WORKER = 4_000


def main(app: str) -> NoReturn:
    """The process is gunicorn from here on, unless a setting is wrong (exit status 2)."""
    try:
        settings = settings_from(os.environ)
        settings.metrics_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (KatydidError, OSError) as error:
        print(f"{app}: {error}", file=sys.stderr)
        sys.exit(2)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(settings.metrics_dir))
    count_alone_on_a_full_disk(os.environ)
    allow_many_open_files()
    command = site_command(settings) if app == "site" else door_command(settings)
    os.execv(command[0], command)  # noqa: S606


def site_command(settings: Settings, *, workers: int = _WORKERS) -> list[str]:
    """What runs the site. Its clients come and go."""
    bind = address(settings.plain_host, settings.http_port)
    return _gunicorn(settings, "web:site()", bind, workers=workers, keep_alive_seconds=30)


def door_command(settings: Settings) -> list[str]:
    """What runs the door. RabbitMQ's connections idle for up to 120 s, and a question that arrives
    as we end one counts as refused."""
    bind = address(settings.auth_host, settings.auth_port)
    return _gunicorn(settings, "web.door:door()", bind, keep_alive_seconds=150)


def _gunicorn(
    settings: Settings, app: str, bind: str, *, workers: int = _WORKERS, keep_alive_seconds: int
) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", app),
        # Loaded once, then forked: half the work at the start, and half the memory.
        "--preload",
        "--config=python:web.workers",
        f"--bind={bind}",
        # Slow senders keep no thread waiting.
        "--worker-class=web.patience.PatientWorker",
        f"--workers={workers}",
        f"--threads={_THREADS_PER_WORKER}",
        f"--worker-connections={_CONNECTIONS_PER_WORKER}",
        f"--keep-alive={keep_alive_seconds}",
        "--timeout=30",
        "--graceful-timeout=3",
        "--log-level=warning",
        "--no-control-socket",
        f"--worker-tmp-dir={settings.run_dir}",
    ]


if __name__ == "__main__":
    main(sys.argv[1])
