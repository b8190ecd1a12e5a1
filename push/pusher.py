"""Looks for what is due, tells it, and notes what came of it, until it is stopped."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.models import PushSubscription
from chat.push_keys import vapids_of
from chat.secrets import Secrets
from chat.settings import Settings
from chat.subscriptions import forget_subscription, subscriptions_of
from chat.times import now
from push.due import Due, claim_due, note_told, note_unreachable, notice_of
from push.notices import encoded
from push.services import Outcome, tell

LOOKS_EVERY_SECONDS = 1.0
_WAITS_FOR_SQL_SECONDS = 5.0
_AT_A_TIME = 8  # a push service far away takes its time to answer

log = structlog.get_logger()


class Pusher:
    """One of any number: each claims what it tells."""

    def __init__(self, settings: Settings, secrets: Secrets, database: Database) -> None:
        self._contact = settings.push_contact
        self._vapids = vapids_of(secrets)
        self._database = database

    def run(self, stopped: threading.Event) -> None:
        """Until stopped; a database that is away is waited for."""
        with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="push") as threads:
            wait_seconds = 0.0
            while not stopped.wait(wait_seconds):
                try:
                    found = claim_due(self._database, now())
                except SQLAlchemyError as error:
                    log.warning("the database does not answer", problem=type(error).__name__)
                    wait_seconds = _WAITS_FOR_SQL_SECONDS
                    continue
                list(threads.map(self._tell, found))
                wait_seconds = 0.0 if found else LOOKS_EVERY_SECONDS

    def _tell(self, due: Due) -> None:
        try:
            self._tell_all(due)
        except SQLAlchemyError as error:  # the claim will end by itself
            log.warning("a notification is put off", problem=type(error).__name__)

    def _tell_all(self, due: Due) -> None:
        with self._database.reading() as sql:
            notice, told_seq = notice_of(sql, due)
            subscriptions = subscriptions_of(sql, due.account_id)
        outcomes: Iterable[tuple[PushSubscription, Outcome]] = ()
        if notice is not None:
            payload, topic = encoded(notice), f"conversation-{due.conversation_id}"
            outcomes = [
                (
                    each,
                    tell(each, payload, topic=topic, vapids=self._vapids, contact=self._contact),
                )
                for each in subscriptions
            ]
        with self._database.writing() as sql:
            for each, outcome in outcomes:
                if outcome is Outcome.GONE:
                    forget_subscription(sql, each.endpoint)
            if any(outcome is Outcome.UNREACHABLE for _, outcome in outcomes):
                note_unreachable(sql, due, now())
            else:
                note_told(sql, due, told_seq)
