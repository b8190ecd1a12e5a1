"""Work of the site that nobody waits for, in a thread of each worker."""

import threading
from collections.abc import Callable

from flask import Flask


def in_background(app: Flask, work: Callable[[], None]) -> None:
    """From the first request on: before it was forked, a process may not have threads, nor
    connections to SQL. The thread does not keep the process from ending."""
    begun = threading.Lock()

    @app.before_request
    def begin() -> None:
        if begun.acquire(blocking=False):
            threading.Thread(target=work, daemon=True).start()
