"""Bringing the index of texts up to date, in the background of the site.

Each worker looks now and then whether the archive has more than the index, and one of them takes
it in: a millisecond at a time, and four times as long the processor is the others'. What stands in
the way is logged and tried again; what is not in the index yet is found all the same.
"""

import time
from functools import partial

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.indexing import BATCH, forget_what_is_ahead, index_messages
from web.background import in_background
from web.parts import Parts

# Few texts at a time cost up to ten times as much each, so what has just come waits until there is
# more of it.
_LOOK_EVERY_SECONDS = 3.0
_TRY_AGAIN_SECONDS = 30.0
# Between two batches the index is anybody's: SQLite lets no one queue up, and whoever waits for it
# looks ten times a second.
_LEFT_FREE_SECONDS = 0.15
_PIECE_SECONDS = 0.0005
# Of the time that a piece of the work took, and no longer.
_REST, _LONGEST_REST_SECONDS = 4, 0.1

log = structlog.get_logger()


def index_in_background(app: Flask) -> None:
    """As long as the site runs."""
    parts: Parts = app.extensions["katydid"]
    in_background(app, partial(_follow, parts.database))


def _follow(database: Database) -> None:
    rest = _Rest()
    is_checked = False
    while True:
        rest.begin()
        try:
            if not is_checked:
                forget_what_is_ahead(database)
                is_checked = True
            taken_in = index_messages(database, rest=rest)
        except SQLAlchemyError as error:
            log.warning("texts cannot be indexed", why=type(error).__name__)
            time.sleep(_TRY_AGAIN_SECONDS)
            continue
        time.sleep(_LEFT_FREE_SECONDS if taken_in == BATCH else _LOOK_EVERY_SECONDS)


class _Rest:
    """After each piece of work it is the others' turn, so that no message waits for long."""

    def begin(self) -> None:
        """The work begins."""
        self._began = time.monotonic()

    def __call__(self) -> None:
        """A piece of it is done."""
        worked = time.monotonic() - self._began
        if worked < _PIECE_SECONDS:
            return
        time.sleep(min(_REST * worked, _LONGEST_REST_SECONDS))
        self.begin()
