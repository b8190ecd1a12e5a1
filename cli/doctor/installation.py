"""The installation that is examined, and what several checks want to know of it.

Each fact is found out once, when it is first asked for. What stands in the way of one (no tables,
no broker) is told by the check that it belongs to; the others are skipped.
"""

import socket
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.errors import KatydidError
from chat.secrets import Secrets, load_secrets
from chat.settings import Settings
from chat.shards import workers_alive
from cli.doctor.mqtt import Place
from cli.home import holder_of

_CONNECT_WITHIN_SECONDS = 2.0


class Installation:
    """Settings, and what is there by them. `close` gives back what was opened."""

    def __init__(self, environ: Mapping[str, str], settings: Settings) -> None:
        self.environ = environ
        self.settings = settings
        self.database = Database(settings.database_url)

    @cached_property
    def secrets(self) -> Secrets | None:
        """None where they cannot be read."""
        try:
            return load_secrets(self.settings)
        except KatydidError:
            return None

    @cached_property
    def up_process(self) -> int | None:
        """The process of the `up` that runs from this home."""
        try:
            return holder_of(self.settings)
        except KatydidError:
            return None

    @cached_property
    def archive_file(self) -> Path | None:
        """The file of SQLite; None with another database."""
        if self.database.dialect != "sqlite":
            return None
        return Path(self.settings.database_url.removeprefix("sqlite:///"))

    @cached_property
    def has_tables(self) -> bool:
        """Whether SQL answers, and has the tables of this version."""
        if self.archive_file is not None and not self.archive_file.is_file():
            return False  # to ask would make it
        try:
            return self.database.is_migrated()
        except SQLAlchemyError:
            return False

    @cached_property
    def bridges(self) -> dict[str, set[int]]:
        """The bridges that run, and what each may serve."""
        if not self.has_tables:
            return {}
        try:
            with self.database.reading() as session:
                return workers_alive(session)
        except SQLAlchemyError:
            return {}

    @cached_property
    def broker(self) -> Place:
        """Where programs reach the broker."""
        return Place(self.settings.broker_host, self.settings.mqtt_port)

    @cached_property
    def broker_for_browsers(self) -> Place:
        """Where the broker takes WebSockets."""
        return Place(self.settings.broker_host, self.settings.websocket_port, path="/mqtt")

    @cached_property
    def broker_listens(self) -> bool:
        return is_listening(self.settings.broker_host, self.settings.mqtt_port)

    @cached_property
    def site_listens(self) -> bool:
        return is_listening(self.settings.plain_host, self.settings.http_port)

    @property
    def should_run(self) -> bool:
        """Whether a part that does not answer is a fault, and not just not started."""
        started = self.up_process is not None or bool(self.bridges)
        return started or not self.settings.starts_broker

    @property
    def runs(self) -> bool:
        """Whether any part of it does."""
        return self.should_run or self.broker_listens

    def close(self) -> None:
        self.database.close()


def is_listening(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((host, port), timeout=_CONNECT_WITHIN_SECONDS).close()
    except OSError:
        return False
    return True
