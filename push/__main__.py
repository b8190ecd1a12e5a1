"""`python -m push`: reads the settings and tells browsers what is due, until SIGTERM or SIGINT."""

import os
import signal
import sys
import threading

import structlog

from chat.database import Database
from chat.errors import KatydidError
from chat.logs import configure_logs
from chat.secrets import load_secrets
from chat.settings import settings_from
from push.pusher import Pusher

log = structlog.get_logger()


def main() -> int:
    """Exit status: 0 after a signal, 2 when a setting or a secret is wrong."""
    configure_logs("push")
    try:
        settings = settings_from(os.environ)
        secrets = load_secrets(settings)
    except KatydidError as error:
        print(f"push: {error}", file=sys.stderr)
        return 2
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    database = Database(settings.database_url)
    log.info("push begins")
    Pusher(settings, secrets, database).run(stopped)
    database.close()
    log.info("push ends")
    return 0


if __name__ == "__main__":
    sys.exit(main())
