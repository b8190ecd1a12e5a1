"""`python -m cli.web`: becomes gunicorn, which serves the site where the settings say."""

import os
import sys
from typing import NoReturn

from chat.errors import KatydidError
from chat.settings import Settings, settings_from

_WORKERS = 2
_THREADS_PER_WORKER = 8


def main() -> NoReturn:
    """The process is gunicorn from here on, unless a setting is wrong (exit status 2)."""
    try:
        settings = settings_from(os.environ)
        settings.metrics_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (KatydidError, OSError) as error:
        print(f"web: {error}", file=sys.stderr)
        sys.exit(2)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(settings.metrics_dir))
    os.execv(sys.executable, [sys.executable, *_gunicorn(settings)])  # noqa: S606


def _gunicorn(settings: Settings) -> list[str]:
    host = settings.plain_host
    return [
        "-m",
        "gunicorn",
        "web:site()",
        # Loaded once, then forked: half the work at the start, and half the memory.
        "--preload",
        f"--bind={f'[{host}]' if ':' in host else host}:{settings.http_port}",
        "--worker-class=gthread",
        f"--workers={_WORKERS}",
        f"--threads={_THREADS_PER_WORKER}",
        "--keep-alive=30",
        "--timeout=30",
        "--graceful-timeout=3",
        "--log-level=warning",
        "--no-control-socket",
        f"--worker-tmp-dir={settings.run_dir}",
    ]


if __name__ == "__main__":
    main()
