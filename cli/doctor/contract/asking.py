"""What else is asked over HTTP: the list of conversations, one's own marks in it, search."""

import secrets

from cli.doctor.contract.rules import Rules, answered, holds, is_problem, same
from cli.doctor.contract.server import API, Server

rules = Rules("HTTP", about="http")


@rules("the list of conversations has the newest text, the cursors and what is unread")
def conversations(server: Server) -> None:
    text = server.bob.send(server.alice, "Not read yet")
    with server.alice.as_device() as http:
        listed = answered(http.get(f"{API}/conversations"), 200)["conversations"]
    [line] = [each for each in listed if each["peer"] == server.bob.name]
    same(line["last_seq"], text["seq"])
    same(line["last_message"]["text"], "Not read yet")
    holds(line["unread"] >= 1, expected="at least one unread", came=line)
    cursors = ("read", "delivered", "peer_read", "peer_delivered")
    whole = all(isinstance(line[cursor], int) for cursor in cursors)
    holds(whole, expected=f"{', '.join(cursors)} as whole numbers", came=line)


@rules("muted, archived and pinned are one's own")
def marks(server: Server) -> None:
    with server.alice.as_device() as alice, server.bob.as_device() as bob:
        path = f"{API}/conversations/{server.bob.name}"
        same(answered(alice.patch(path, json={"pinned": True}), 200)["pinned"], True)
        listed = answered(bob.get(f"{API}/conversations"), 200)["conversations"]
        [line] = [each for each in listed if each["peer"] == server.alice.name]
        same(line["pinned"], False)
        same(answered(alice.patch(path, json={"pinned": False}), 200)["pinned"], False)
        is_problem(alice.patch(f"{API}/conversations/{server.alice.name}", json={}), 404)


@rules("search finds what was sent a moment ago, for its members alone")
def search(server: Server) -> None:
    word = f"zirp{secrets.token_hex(5)}"
    text = server.alice.send(server.bob, f"They say {word.upper()} all night")
    with server.bob.as_device() as http:
        found = answered(http.get(f"{API}/search", params={"q": word}), 200)
        same([each["seq"] for each in found["messages"]], [text["seq"]])
        is_problem(http.get(f"{API}/search", params={"q": ""}), 422)
