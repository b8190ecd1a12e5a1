"""The broker's door: RabbitMQ asks here, at each login and for what follows, who may do what.

An app of its own at an address of its own (`KATYDID_AUTH_HOST`, `KATYDID_AUTH_PORT`), no part of
the public site: an answer tells whether a password is right. gunicorn serves `web.door:door()`.
What the answers go by is in `mqtt_acl/http_auth.py`; here SQL is asked, and the broker.
"""

import hmac
import os
import sys
from collections.abc import Callable

import structlog
from flask import Flask, Response, abort, request
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from chat.database import Database
from chat.devices import is_device, is_secret_of_device
from chat.errors import BrokerUnreachable, KatydidError
from chat.logs import configure_logs
from chat.secrets import BRIDGE_PASSWORD, Secrets, load_secrets, passwords_in
from chat.settings import settings_from
from chat.user_names import shard_of_bridge
from mqtt_acl.bridge_sessions import BridgeSessions
from mqtt_acl.http_auth import (
    MalformedQuestion,
    Question,
    door_words,
    field_of,
    is_before_hearing_or_saying,
    is_bound_to_its_client_id,
    may_enter_vhost,
    may_use_resource,
    may_use_topic,
)
from mqtt_acl.management import Management
from mqtt_acl.rabbitmq import KickingIssuer

# The longest topic that a packet can hold, with each byte written as three characters.
LARGEST_QUESTION_BYTES = 256 * 1024
ANSWERS = Counter(
    "katydid_door_answers_total", "What the broker was told, by question.", ["question", "answer"]
)

log = structlog.get_logger()


def create_door(
    secrets: Secrets,
    database: Database,
    *,
    bridge_passwords: Callable[[], list[str]],
    is_kept: Callable[[], bool],
    cut_off: Callable[[str], None],
) -> Flask:
    """The door of one installation. `bridge_passwords` are those that a bridge comes in with just
    now; `is_kept` tells whether the broker keeps what devices send; `cut_off` ends a device's
    connection, or raises BrokerUnreachable."""
    app = Flask(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_QUESTION_BYTES,
        MAX_FORM_MEMORY_SIZE=LARGEST_QUESTION_BYTES,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    keeper = _Keeper(secrets, database, bridge_passwords, is_kept, cut_off)
    words = door_words(secrets)
    answers: dict[str, Callable[[Question], bool]] = {
        "user": keeper.may_come_in,
        "vhost": may_enter_vhost,
        "resource": keeper.may_use_resource,
        "topic": may_use_topic,
    }

    @app.post("/<word>/<question>")
    def answer(word: str, question: str) -> Response:
        if not _is_one_of(words, word) or question not in answers:
            abort(404)
        answer = "allow" if answers[question](request.form) else "deny"
        ANSWERS.labels(question, answer).inc()
        return _text(answer)

    app.register_error_handler(Exception, _explanation)
    return app


def door() -> Flask:
    """The door that the environment asks for; ends the process where that cannot be."""
    configure_logs("door")
    try:
        settings = settings_from(os.environ)
        secrets = load_secrets(settings)
    except KatydidError as error:
        sys.exit(f"door: {error}")
    return create_door(
        secrets,
        Database(settings.database_url),
        bridge_passwords=lambda: passwords_in(settings.secrets_dir, BRIDGE_PASSWORD),
        is_kept=BridgeSessions(Management(settings)).are_there,
        cut_off=KickingIssuer(settings).cut_off,
    )


def _is_one_of(words: list[str], word: str) -> bool:
    """Whether it is, in a time that tells nothing of how much of one is right; for words of the
    path, and passwords."""
    return any(hmac.compare_digest(each.encode(), word.encode()) for each in words)


class _Keeper:
    """Answers what the question alone does not tell. Safe for use by several threads."""

    def __init__(
        self,
        secrets: Secrets,
        database: Database,
        bridge_passwords: Callable[[], list[str]],
        is_kept: Callable[[], bool],
        cut_off: Callable[[str], None],
    ) -> None:
        self._secrets = secrets
        self._database = database
        self._bridge_passwords = bridge_passwords
        self._is_kept = is_kept
        self._cut_off = cut_off

    def may_come_in(self, asked: Question) -> bool:
        """Whether the password is right; and for a device, whether what it sends will be kept.
        Raises SQLAlchemyError, and MalformedQuestion."""
        user_name, password = field_of(asked, "username"), field_of(asked, "password")
        if not is_bound_to_its_client_id(asked):
            return False
        if shard_of_bridge(user_name) is not None:
            return _is_one_of(self._bridge_passwords(), password)
        with self._database.reading() as sql:
            keys = self._secrets.server_keys
            is_right = is_secret_of_device(sql, keys, user_name, password)
        return is_right and self._is_kept()

    def may_use_resource(self, asked: Question) -> bool:
        """Whether it may; and before a device hears or says its first, whether it is still there:
        one whose login was half-way when it was revoked was not found by the kick."""
        if not may_use_resource(asked):
            return False
        user_name = field_of(asked, "username")
        if not is_before_hearing_or_saying(asked) or shard_of_bridge(user_name) is not None:
            return True
        if self._is_still_there(user_name):
            return True
        try:
            self._cut_off(user_name)
        except BrokerUnreachable as error:
            log.warning("a revoked device stays connected, without a say", problem=error.problem)
        return False

    def _is_still_there(self, user_name: str) -> bool:
        try:
            with self._database.reading() as sql:
                return is_device(sql, user_name)
        except SQLAlchemyError:
            # It was there when it came in, and without SQL nobody can be revoked. What it sends
            # is kept by the broker until SQL is back; a refusal would be taken for the last word.
            return True


def _explanation(error: Exception) -> Response:
    """To the broker, anything that is not 200 is a refusal; the text is for who looks for why."""
    if isinstance(error, MalformedQuestion):
        return _text(str(error), 400)
    if isinstance(error, HTTPException):
        answer = _text(f"{error.name}; the broker alone asks here, by POST.", error.code or 500)
        answer.headers.extend(header for header in error.get_headers() if header[0] == "Allow")
        return answer
    if isinstance(error, SQLAlchemyError):
        log.warning("the database cannot be asked who may come in", error=type(error).__name__)
        return _text("The database does not answer.", 503)
    log.exception("a question could not be answered")
    return _text("The question could not be answered; the door's log says why.", 500)


def _text(text: str, status: int = 200) -> Response:
    return Response(text, status, mimetype="text/plain")
