"""Deleting messages that are no longer to be kept, in the background of the site.

Each worker looks now and then whether it is time, and one of them does it, a few messages at a
time. What stands in the way is logged, and tried again.
"""

import time
from functools import partial

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from chat.chores import is_due, put_off, take_turn
from chat.database import Database
from chat.retention import CHORE, TURN_SECONDS, forget_old_messages
from chat.times import now
from web.background import in_background
from web.parts import Parts

_LOOK_EVERY_SECONDS = 30.0
_DONE_EVERY_SECONDS = 3_600.0

log = structlog.get_logger()


def forget_old_messages_in_background(app: Flask) -> None:
    """As long as the site runs."""
    parts: Parts = app.extensions["katydid"]
    in_background(app, partial(_follow, parts.database, parts.settings.keep_days))


def _follow(database: Database, keep_days: int | None) -> None:
    while True:
        try:
            _forget_if_due(database, keep_days)
        except SQLAlchemyError as error:
            log.warning("old messages cannot be deleted", why=type(error).__name__)
        time.sleep(_LOOK_EVERY_SECONDS)


def _forget_if_due(database: Database, keep_days: int | None) -> None:
    with database.reading() as session:
        if not is_due(session, CHORE):
            return
    with database.writing() as session:
        if not take_turn(session, CHORE, seconds=TURN_SECONDS):
            return
    forgotten = forget_old_messages(database, keep_days=keep_days, now=now())
    with database.writing() as session:
        put_off(session, CHORE, seconds=_DONE_EVERY_SECONDS)
    if forgotten:
        log.info("old messages were deleted", messages=forgotten)
