"""HTTP: who is who, what is refused, and in which form."""

import re
from zlib import crc32

from cli.doctor.contract.rules import NotTried, Rules, answered, holds, is_problem, same
from cli.doctor.contract.server import API, Server

rules_for_anybody = Rules("HTTP", about="http")
rules = Rules("HTTP", about="http")
_DEVICE = ("host", "port", "websocket_url", "username", "password", "client_id", "send_topic")


@rules_for_anybody("/healthz answers 200 with what is ready, or 503 with what is not")
def health(server: Server) -> None:
    with server.anybody() as http:
        answer = http.get("/healthz")
    holds(answer.status_code in (200, 503), expected="200 or 503", came=answer.status_code)
    ready = answer.json()["ready"]
    same(ready, answer.status_code == 200)


@rules_for_anybody("who is nobody is answered with 401, and told how to log in")
def nobody(server: Server) -> None:
    with server.anybody() as http:
        answer = http.get(f"{API}/conversations")
    is_problem(answer, 401)
    challenge = answer.headers.get("WWW-Authenticate", "")
    holds(challenge.startswith("Basic "), expected="WWW-Authenticate: Basic …", came=challenge)


@rules_for_anybody("what is not there is answered with 404 and a problem")
def nothing_there(server: Server) -> None:
    with server.anybody() as http:
        is_problem(http.get(f"{API}/nothing-at-all"), 404)


@rules_for_anybody("a body that is no JSON is refused with a problem")
def no_json(server: Server) -> None:
    with server.anybody() as http:
        json = {"Content-Type": "application/json"}
        is_problem(http.post(f"{API}/accounts", content=b"{", headers=json), 400)
        is_problem(http.post(f"{API}/accounts", content=b"x=1"), 415)


def _only_where_anybody_may_register(server: Server) -> None:
    """Else that is what is said first."""
    if not server.alice.is_ours:
        raise NotTried("the accounts were given")


@rules("a name that is taken is answered with 409")
def taken(server: Server) -> None:
    _only_where_anybody_may_register(server)
    wanted = {"account": server.alice.name, "password": "a password of somebody"}
    with server.anybody() as http:
        is_problem(http.post(f"{API}/accounts", json=wanted), 409)


@rules("a name that no account may have is answered with 422")
def not_acceptable(server: Server) -> None:
    _only_where_anybody_may_register(server)
    wanted = {"account": "No Such Name!", "password": "a password of somebody"}
    with server.anybody() as http:
        is_problem(http.post(f"{API}/accounts", json=wanted), 422)


@rules("an account is told who it is, by its password and by a device's credential")
def who_am_i(server: Server) -> None:
    for client in (server.alice.http(), server.alice.as_device()):
        with client as http:
            me = answered(http.get(f"{API}/accounts/me"), 200)
        same(me["account"], server.alice.name)
        holds(isinstance(me["display_name"], str), expected="a display_name", came=me)


@rules("a wrong password is answered with 401")
def wrong_password(server: Server) -> None:
    with server.anybody() as http:
        wrong = (server.alice.name, "not this one")
        is_problem(http.get(f"{API}/accounts/me", auth=wrong), 401)


@rules("others are found by their exact name, and nobody else is")
def somebody(server: Server) -> None:
    with server.alice.as_device() as http:
        found = answered(http.get(f"{API}/accounts/{server.bob.name}"), 200)
        same(found["account"], server.bob.name)
        is_problem(http.get(f"{API}/accounts/{server.bob.name}-x"), 404)


@rules("a new device is answered with all that a connection needs")
def device(server: Server) -> None:
    alice, mqtt = server.alice.name, server.alice.device.mqtt
    missing = [name for name in _DEVICE if not mqtt.get(name)]
    holds(not missing, expected=f"the fields {', '.join(_DEVICE)}", came=f"none: {missing}")
    same(mqtt["client_id"], mqtt["username"])
    same(mqtt["username"], f"{alice}.{server.alice.device.id}")
    shard = format(crc32(alice.encode()) % 16, "x")
    same(mqtt["send_topic"], f"chat/v1/up/{shard}/{alice}/{{to}}/send")
    same(mqtt["receive_filter"], f"chat/v1/down/{alice}/#")
    url = mqtt["websocket_url"]
    holds(re.match(r"wss?://", url), expected="a ws:// or wss:// URL", came=url)


@rules("a device of no known kind is refused with 422")
def unknown_kind(server: Server) -> None:
    with server.alice.as_device() as http:
        wanted = {"name": "x", "kind": "toaster"}
        is_problem(http.post(f"{API}/devices", json=wanted), 422)


@rules("an account sees its own devices")
def devices(server: Server) -> None:
    with server.alice.as_device() as http:
        listed = answered(http.get(f"{API}/devices"), 200)["devices"]
    holds(
        server.alice.device.id in [each["device"] for each in listed],
        expected=f"the device {server.alice.device.id} among them",
        came=listed,
    )


@rules("nobody revokes another's device, or one that is not there")
def not_ones_own(server: Server) -> None:
    with server.alice.as_device() as http:
        is_problem(http.delete(f"{API}/devices/{server.bob.device.id}"), 404)
        is_problem(http.delete(f"{API}/devices/nothere"), 404)


@rules("/api/v1/devices does not take every method")
def method(server: Server) -> None:
    with server.alice.as_device() as http:
        is_problem(http.put(f"{API}/devices", json={}), 405)
