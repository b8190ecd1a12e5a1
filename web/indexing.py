"""Bringing the index of texts up to date, in the background of the site.

Each worker looks now and then whether the archive has more than the index, and one of them takes
it in: in small transactions, and four times as long the processor is the others'. What stands in
the way is logged and tried again; what is not in the index yet is found all the same.
"""

import threading
import time

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.indexing import forget_what_is_ahead, index_messages
from web.parts import Parts

_LOOK_EVERY_SECONDS = 3.0
_TRY_AGAIN_SECONDS = 30.0
_SHORTEST_PAUSE_SECONDS = 0.02
# Of the time that a transaction of ours took.
_PAUSE = 4

log = structlog.get_logger()


def index_in_background(app: Flask) -> None:
    """From the first request on: before it was forked, a process may not have threads, nor
    connections to SQL."""
    begun = threading.Lock()
    parts: Parts = app.extensions["katydid"]

    @app.before_request
    def begin() -> None:
        if begun.acquire(blocking=False):
            threading.Thread(target=_follow, args=(parts.database,), daemon=True).start()


def _follow(database: Database) -> None:
    is_checked = False
    while True:
        began = time.monotonic()
        try:
            if not is_checked:
                forget_what_is_ahead(database)
                is_checked = True
            taken_in = index_messages(database)
        except SQLAlchemyError as error:
            log.warning("texts cannot be indexed", why=type(error).__name__)
            time.sleep(_TRY_AGAIN_SECONDS)
            continue
        if taken_in:
            time.sleep(max(_PAUSE * (time.monotonic() - began), _SHORTEST_PAUSE_SECONDS))
        else:
            time.sleep(_LOOK_EVERY_SECONDS)
