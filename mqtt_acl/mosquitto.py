"""Telling a running mosquitto who may do what, over its dynamic-security topic.

Each change makes the plugin write its whole file while the broker stands still (17 ms at 1,000
accounts, more with more; November 2026), so there is one for each device that comes or goes, and
never one for a page or a message.
"""

import json
import secrets as random
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from chat.errors import BrokerUnreachable
from chat.secrets import Secrets
from chat.settings import Settings
from chat.user_names import ADMIN
from mqtt_acl.dynamic_security import (
    Json,
    account_role,
    change,
    create,
    device_client,
    own_clients,
    own_roles,
    set_default_access,
)
from mqtt_acl.issuer import Credentials

_COMMANDS = "$CONTROL/dynamic-security/v1"
_ANSWERS = "$CONTROL/dynamic-security/v1/response"
_ANSWER_WITHIN_SECONDS = 5.0
_DROPPED_WITHIN_SECONDS = 1.0
# Restoring goes in pieces that are answered in time, though each command costs a write of the file.
_COMMANDS_AT_ONCE = 10

log = structlog.get_logger()


class DynamicSecurityIssuer:
    """An Issuer for mosquitto with its dynamic-security plugin; see `issuer.Issuer`.

    Connects when first used and again after a cut. One connection serves all threads of a process.
    """

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._lock = threading.Lock()
        self._client: paho.Client | None = None
        self._ready = threading.Event()
        self._refusal: str | None = None
        self._answers: dict[str, tuple[threading.Event, list[Json]]] = {}

    def issue(self, credentials: Credentials) -> None:
        role, client = account_role(credentials.account), device_client(credentials)
        answers = self._ask([create("Role", role), create("Client", client)])
        if _says(answers[1], "already exists"):
            answers[1:] = self._ask([change("Client", client)])
        _accept(answers, besides="already exists")

    def revoke(self, user_name: str) -> None:
        answers = self._ask([{"command": "deleteClient", "username": user_name}])
        _accept(answers, besides="not found")
        if not self._drop_session(user_name):
            log.warning("the broker keeps a revoked device's session", user_name=user_name)

    def knows(self, user_name: str) -> bool:
        answers = self._ask([{"command": "getClient", "username": user_name}])
        _accept(answers, besides="not found")
        return "error" not in answers[0]

    def restore(self, everyone: Iterable[Credentials]) -> None:
        everyone = list(everyone)
        accounts = {credentials.account for credentials in everyone}
        roles = own_roles() + [account_role(account) for account in sorted(accounts)]
        clients = own_clients(self._secrets) + [device_client(device) for device in everyone]
        kinds = ("Role", "Client", "Group")
        listed = self._ask([{"command": f"list{kind}s"} for kind in kinds])
        _accept(listed)
        has_roles, has_clients, groups = (_names(answer["data"]) for answer in listed)
        commands = [
            set_default_access(),
            *_agreed("Role", "rolename", roles, has_roles),
            *_agreed("Client", "username", clients, has_clients),
            *_gone("Group", "groupname", groups),
            *_gone("Client", "username", has_clients - _named("username", clients)),
            # Last, when nobody has them: 2.0.11 crashes after one is deleted that is in use.
            *_gone("Role", "rolename", has_roles - _named("rolename", roles)),
        ]
        for start in range(0, len(commands), _COMMANDS_AT_ONCE):
            _accept(self._ask(commands[start : start + _COMMANDS_AT_ONCE]), besides="not found")

    def check(self) -> None:
        _accept(self._ask([{"command": "getDefaultACLAccess"}]))

    def close(self) -> None:
        """End the connection; a later call connects again."""
        with self._lock:
            client, self._client = self._client, None
            self._ready.clear()
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _drop_session(self, user_name: str) -> bool:
        """Whether the broker has dropped what waits for a device that is gone, and would wait and
        grow for a month. The admin is bound to no client id, and so can begin a session in its
        place, which ends with the connection."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=user_name, protocol=paho.MQTTv5)
        client.username_pw_set(ADMIN, self._secrets.admin_password)
        client.connect_timeout = _DROPPED_WITHIN_SECONDS
        deadline = time.monotonic() + _DROPPED_WITHIN_SECONDS
        try:
            client.connect(self._settings.broker_host, self._settings.mqtt_port, clean_start=True)
            while not client.is_connected() and time.monotonic() < deadline:
                if client.loop(0.1) != paho.MQTT_ERR_SUCCESS:
                    return False
            is_dropped = client.is_connected()
            client.disconnect()
        except OSError:
            return False
        return is_dropped

    # One question and its answer.

    def _ask(self, commands: Sequence[Json]) -> list[Json]:
        """The plugin's answers, one for each command, in their order."""
        client = self._connected()
        question = random.token_hex(8)
        arrived, answers = self._answers[question] = threading.Event(), []
        marked = [{**command, "correlationData": question} for command in commands]
        try:
            client.publish(_COMMANDS, json.dumps({"commands": marked}), qos=1)
            if not arrived.wait(_ANSWER_WITHIN_SECONDS):
                raise BrokerUnreachable("it does not answer")
        finally:
            del self._answers[question]
        return answers

    def _connected(self) -> paho.Client:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            client = self._client
        if not self._ready.wait(_ANSWER_WITHIN_SECONDS):
            raise BrokerUnreachable(self._refusal or "it cannot be reached")
        return client

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{ADMIN}-{random.token_hex(8)}",
            protocol=paho.MQTTv5,
        )
        client.username_pw_set(ADMIN, self._secrets.admin_password)
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.connect_async(self._settings.broker_host, self._settings.mqtt_port, keepalive=30)
        client.loop_start()
        return client

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._refusal = f"it refuses the admin: {reason}" if reason.is_failure else None
        if not reason.is_failure:
            client.subscribe(_ANSWERS, qos=1)

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _id: int, reasons: Any, _properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refusal = "it has no dynamic security for the admin"
        else:
            self._ready.set()

    def _on_disconnect(self, *_: Any) -> None:
        self._ready.clear()

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        responses = json.loads(message.payload).get("responses", [])
        question = responses[0].get("correlationData") if responses else None
        if question in self._answers:
            arrived, answers = self._answers[question]
            answers.extend(responses)
            arrived.set()


def _agreed(kind: str, key: str, wanted: list[Json], existing: set[str]) -> list[Json]:
    """The commands after which what is wanted is as described.

    The admin, as whom we are asking, is right already; to change it would cut our connection.
    """
    return [
        change(kind, described) if described[key] in existing else create(kind, described)
        for described in wanted
        if described[key] != ADMIN
    ]


def _gone(kind: str, key: str, strange: set[str]) -> list[Json]:
    return [{"command": f"delete{kind}", key: name} for name in sorted(strange)]


def _named(key: str, described: list[Json]) -> set[str]:
    return {one[key] for one in described}


def _names(data: Json) -> set[str]:
    """The names in an answer to a list command, which has one list under a name of its own."""
    [names] = (value for value in data.values() if isinstance(value, list))
    return set(names)


def _says(answer: Json, words: str) -> bool:
    return words in answer.get("error", "").lower()


def _accept(answers: list[Json], *, besides: str | None = None) -> None:
    """Raises BrokerUnreachable for an error other than the one that does no harm."""
    for answer in answers:
        if "error" in answer and not (besides and _says(answer, besides)):
            raise BrokerUnreachable(f"{answer.get('command')} failed: {answer['error']}")
