"""The door at which RabbitMQ asks who may do what, asked by somebody else."""

from collections.abc import Callable

import httpx

from attacks.attack import QUESTIONS, Door, Seen
from attacks.place import RABBITMQ, Place
from chat.user_names import ADMIN
from mqtt_acl.http_auth import door_path

QUESTIONS_DOOR = Door(QUESTIONS, brokers=(RABBITMQ,))


def url_of(place: Place) -> str:
    """Where the door is."""
    return f"http://{place.settings.auth_host}:{place.settings.auth_port}"


def _asking(
    path: str, question: dict[str, str], status: int, *, method: str = "POST"
) -> Callable[[Place], Seen]:
    """Without the right word, there is nothing there."""

    def run(place: Place) -> Seen:
        url = url_of(place) + path.replace("WORD", door_path(place.secrets).strip("/"))
        answer = httpx.request(method, url, data=question or None, timeout=10)
        held = answer.status_code == status and "allow" not in answer.text
        return Seen(held, f"{answer.status_code} {answer.text.partition(chr(10))[0][:40]}")

    return run


def _denied(question: dict[str, str], what: str = "user") -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        named = {k: v.replace("ALICE", place.alice.user_name) for k, v in question.items()}
        url = f"{url_of(place)}{door_path(place.secrets)}/{what}"
        answer = httpx.post(url, data=named, timeout=10)
        return Seen(answer.text == "deny", f"{answer.status_code} {answer.text[:40]}")

    return run


_USER = {"username": "alice.x", "password": "x", "client_id": "alice.x"}
for _name, _path in {
    "no word": "/user",
    "a wrong word": f"/{'0' * 64}/user",
    "no path": "/",
}.items():
    QUESTIONS_DOOR.add(f"a question with {_name}", "404", _asking(_path, _USER, 404))
QUESTIONS_DOOR.add("a question by GET", "405", _asking("/WORD/user", {}, 405, method="GET"))
QUESTIONS_DOOR.add("a question that is none", "404", _asking("/WORD/nothing", _USER, 404))
QUESTIONS_DOOR.add("a question without its fields", "400", _asking("/WORD/user", {"x": "y"}, 400))
QUESTIONS_DOOR.add(
    "a question of 1 MB", "413", _asking("/WORD/user", _USER | {"x": "x" * 1_000_000}, 413)
)
_DENIED = {
    "a wrong password": _USER,
    "the admin": {"username": ADMIN, "password": "", "client_id": ADMIN},
    "a bridge without its password": {
        "username": "_bridge.0",
        "password": "",
        "client_id": "_bridge.0",
    },
    "a device with another's client id": {
        "username": "ALICE",
        "password": "x",
        "client_id": "bob.x",
    },
    "a name with half of a surrogate pair": {
        "username": "alice.\ufffd",
        "password": "\ufffd",
        "client_id": "alice.\ufffd",
    },
    "a name with NUL": {"username": "alice.x\0", "password": "x", "client_id": "alice.x\0"},
}
for _name, _question in _DENIED.items():
    QUESTIONS_DOOR.add(f"a question about {_name}", "deny", _denied(_question))
_TOPIC = {
    "username": "ALICE",
    "vhost": "/",
    "resource": "topic",
    "name": "amq.topic",
    "permission": "read",
    "routing_key": "chat.v1.down.bob.#",
    "variable_map.client_id": "ALICE",
}
QUESTIONS_DOOR.add("a question about another's topics", "deny", _denied(_TOPIC, "topic"))
QUESTIONS_DOOR.add(
    "a question about another virtual host",
    "deny",
    _denied({"username": "ALICE", "vhost": "other"}, "vhost"),
)
