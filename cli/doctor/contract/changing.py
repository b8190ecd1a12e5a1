"""`edit`, `unsend`, `react`: rows of the same log, which point to a text and change it."""

from typing import Any

from cli.doctor.contract.rules import Rules, answered, holds, same
from cli.doctor.contract.server import API, Person, Server, new_id

rules = Rules("Up: what devices publish", about="changes")


def _change(person: Person, to: Person, verb: str, seq: int, **more: Any) -> Any:
    id = new_id()
    person.publish(to.name, verb, {"id": id, "seq": seq, **more})
    return person.hears.hear_of("message", id=id)


def _now(server: Server, seq: int) -> Any:
    """The text as history has it now."""
    with server.alice.as_device() as http:
        path = f"{API}/conversations/{server.bob.name}/messages?after={seq - 1}&limit=1"
        return answered(http.get(path), 200)["messages"][0]


@rules("an edit is an event with a seq of its own, and history shows the new wording")
def edit(server: Server) -> None:
    text = server.alice.send(server.bob, "Helo")
    event = _change(server.alice, server.bob, "edit", text["seq"], text="Hello")
    same((event["kind"], event.get("target"), event["text"]), ("edit", text["seq"], "Hello"))
    holds(event["seq"] > text["seq"], expected="a later seq", came=event)
    now = _now(server, text["seq"])
    same(now["text"], "Hello")
    holds(now.get("edited_at"), expected="edited_at", came=now)


@rules("a reaction stands beside a text, one of each member, and can be taken away")
def react(server: Server) -> None:
    text = server.alice.send(server.bob, "Good news")
    event = _change(server.bob, server.alice, "react", text["seq"], reaction="👍")
    same((event["kind"], event.get("target"), event["text"]), ("reaction", text["seq"], "👍"))
    same(_now(server, text["seq"]).get("reactions"), {server.bob.name: "👍"})
    _change(server.bob, server.alice, "react", text["seq"], reaction="")
    same(_now(server, text["seq"]).get("reactions"), None)


@rules("nothing is left of a text that was unsent")
def unsend(server: Server) -> None:
    text = server.alice.send(server.bob, "I should not have said this")
    _change(server.alice, server.bob, "edit", text["seq"], text="Nor this")
    event = _change(server.alice, server.bob, "unsend", text["seq"])
    same((event["kind"], event.get("target"), event["text"]), ("unsend", text["seq"], ""))
    now = _now(server, text["seq"])
    same(now["text"], "")
    holds(now.get("unsent_at"), expected="unsent_at", came=now)
    same(_now(server, text["seq"] + 1)["text"], "")


@rules("nobody edits or unsends what another wrote")
def not_ones_own(server: Server) -> None:
    text = server.alice.send(server.bob, "Mine")
    for verb, more in (("edit", {"text": "Yours"}), ("unsend", {})):
        id = new_id()
        server.bob.publish(server.alice.name, verb, {"id": id, "seq": text["seq"], **more})
        same(server.bob.error(id)["reason"], "refused")
    same(_now(server, text["seq"])["text"], "Mine")


@rules("what points to no text is refused")
def pointless(server: Server) -> None:
    id = new_id()
    payload = {"id": id, "seq": 2**40, "reaction": "👍"}
    server.alice.publish(server.bob.name, "react", payload)
    same(server.alice.error(id)["reason"], "refused")
