"""mosquitto's dynamic security in its own words: roles, clients, commands, and its whole file.

Pure. The file is what a broker that we start begins with, written anew from SQL each time, so that
the broker's state is never anything but a copy; the commands are for a broker that runs.

One role an account: `publishClientSend` is asked at each publish and for a Last Will,
`subscribePattern` at each subscription; what is not granted is refused.
"""

import base64
import hashlib
import os
from collections.abc import Iterable
from typing import Any

from chat.secrets import Secrets
from chat.topics import SHARDS, shard_digit
from chat.user_names import ADMIN, bridge_user_name
from mqtt_acl.grants import Grants, grants_for_account, grants_for_bridge
from mqtt_acl.issuer import Credentials

Json = dict[str, Any]

DEFAULT_ACCESS = {
    "publishClientSend": False,
    # What may be received is decided by what may be subscribed to.
    "publishClientReceive": True,
    "subscribe": False,
    "unsubscribe": True,
}
# Our passwords are random and 256 bits long: what guards a short one against guessing would only
# make each start and each connection slow.
_ITERATIONS = 101
_CONTROL = "$CONTROL/dynamic-security/#"


def account_role_name(account: str) -> str:
    """The role that all devices of an account share."""
    return f"account.{account}"


def account_role(account: str) -> Json:
    """An account's role: its two grants."""
    return _role(account_role_name(account), grants_for_account(account))


def device_client(credentials: Credentials) -> Json:
    """A device: bound to its client id, since whoever may use another's gets its queue."""
    return _client(
        credentials.user_name, account_role_name(credentials.account), client_id=True
    ) | {"password": credentials.password}


def own_roles() -> list[Json]:
    """The roles of our own programs."""
    # What begins with $CONTROL must be granted to be received too, whatever the default says.
    kinds = ("publishClientSend", "publishClientReceive", "subscribePattern")
    control = [_acl(kind, _CONTROL) for kind in kinds]
    admin = {"rolename": ADMIN, "acls": control}
    return [admin, *(_role(_bridge_role(n), grants_for_bridge(n)) for n in range(SHARDS))]


def own_clients(secrets: Secrets) -> list[Json]:
    """Our own programs. The admin has no client id of its own: each web worker connects as it."""
    admin = _client(ADMIN, ADMIN, client_id=False) | {"password": secrets.admin_password}
    bridges = [
        _client(bridge_user_name(shard), _bridge_role(shard), client_id=True)
        | {"password": secrets.bridge_password}
        for shard in range(SHARDS)
    ]
    return [admin, *bridges]


def whole_file(secrets: Secrets, everyone: Iterable[Credentials]) -> Json:
    """All that the plugin keeps, in the form of its file."""
    everyone = list(everyone)
    accounts = sorted({credentials.account for credentials in everyone})
    clients = own_clients(secrets) + [device_client(credentials) for credentials in everyone]
    return {
        "defaultACLAccess": DEFAULT_ACCESS,
        "clients": [_with_hashed_password(client) for client in clients],
        "groups": [],
        "roles": own_roles() + [account_role(account) for account in accounts],
    }


def create(kind: str, described: Json) -> Json:
    """The command that makes a role or a client."""
    return {"command": f"create{kind}", **described}


def change(kind: str, described: Json) -> Json:
    """The command that makes an existing role or client be as described."""
    return {"command": f"modify{kind}", **described}


def set_default_access() -> Json:
    """The command that refuses all that no role grants."""
    acls = [{"acltype": kind, "allow": allow} for kind, allow in DEFAULT_ACCESS.items()]
    return {"command": "setDefaultACLAccess", "acls": acls}


def _role(name: str, grants: Grants) -> Json:
    return {
        "rolename": name,
        "acls": [
            _acl("publishClientSend", grants.publish),
            _acl("subscribePattern", grants.subscribe),
        ],
    }


def _acl(kind: str, topic: str) -> Json:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def _client(user_name: str, role: str, *, client_id: bool) -> Json:
    bound = {"clientid": user_name} if client_id else {}
    return {"username": user_name, **bound, "roles": [{"rolename": role, "priority": 0}]}


def _bridge_role(shard: int) -> str:
    return f"bridge.{shard_digit(shard)}"


def _with_hashed_password(client: Json) -> Json:
    salt = os.urandom(12)
    password = client["password"].encode()
    digest = hashlib.pbkdf2_hmac("sha512", password, salt, _ITERATIONS)
    hashed = {
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": _ITERATIONS,
    }
    return client | hashed
