"""`send`: a text is archived, numbered, and comes to every device of both, once."""

import re

from cli.doctor.contract.rules import Rules, answered, holds, same
from cli.doctor.contract.server import API, Server, new_id

rules = Rules("Up: what devices publish", about="send")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_BURST = 20


@rules("a text comes back to its sender, and to the other, as the same record")
def both(server: Server) -> None:
    alice, bob = server.alice, server.bob
    assert bob.hears
    at = "2026-11-23T20:37:15.123Z"
    sent = alice.send(bob, "Hello, Bob", sent_at=at)
    got = bob.hears.hear_of("message", id=sent["id"])
    same(got, sent)
    as_sent = {"from": alice.name, "to": bob.name, "kind": "text", "text": "Hello, Bob"}
    same({name: sent[name] for name in as_sent}, as_sent)
    same(sent["sent_at"], at)
    holds(_TIME.fullmatch(sent["stored_at"]), expected="UTC with milliseconds", came=sent)
    whole = isinstance(sent["conversation"], int) and isinstance(sent["seq"], int)
    holds(whole, expected="conversation and seq as whole numbers", came=sent)


@rules("a payload that is no JSON object is the text itself, and gets an id")
def bare(server: Server) -> None:
    for text in ("Käse 🦗", "{ :-) }", "[1, 2]"):
        server.alice.publish(server.bob.name, "send", text)
        record = server.alice.hears.hear_of("message", text=text)
        holds(record["id"], expected="an id", came=record)


@rules("a repeat of an id is answered with the record that was stored, and not stored again")
def repeat(server: Server) -> None:
    alice, bob, id = server.alice, server.bob, new_id()
    first = alice.send(bob, "Once", id=id)
    alice.publish(bob.name, "send", {"id": id, "text": "Twice"})
    after = alice.send(bob, "Something else")
    same(after["seq"], first["seq"] + 1)
    heard = [record for record in alice.hears.heard("message") if record["id"] == id]
    same(heard, [first, first])
    with alice.as_device() as http:
        path = f"{API}/conversations/{bob.name}/messages?after={first['seq'] - 1}"
        page = answered(http.get(path), 200)["messages"]
    same([(each["id"], each["text"]) for each in page if each["id"] == id], [(id, "Once")])


@rules("another account may use the same id")
def same_id_of_another(server: Server) -> None:
    id = new_id()
    first = server.alice.send(server.bob, "Mine", id=id)
    server.bob.publish(server.alice.name, "send", {"id": id, "text": "Mine too"})
    second = server.bob.hears.hear_of("message", **{"id": id, "from": server.bob.name})
    same(second["seq"], first["seq"] + 1)


@rules("numbers are without a gap, and each sender's texts keep their order")
def contiguous(server: Server) -> None:
    ids: dict[str, list[str]] = {}
    for person, other in ((server.alice, server.bob), (server.bob, server.alice)):
        ids[person.name] = [new_id() for _ in range(_BURST)]
        for id in ids[person.name]:
            person.publish(other.name, "send", {"id": id, "text": id})
    for sender in ids.values():
        for id in sender:
            server.alice.hears.hear_of("message", id=id)
    wanted = {id for sender in ids.values() for id in sender}
    heard = [each for each in server.alice.hears.heard("message") if each["id"] in wanted]
    seqs = sorted(each["seq"] for each in heard)
    same(seqs, list(range(seqs[0], seqs[0] + 2 * _BURST)))
    for name, sender in ids.items():
        by_seq = sorted((each for each in heard if each["from"] == name), key=lambda r: r["seq"])
        same([each["id"] for each in by_seq], sender)


@rules("a reply names the text that it answers")
def reply(server: Server) -> None:
    asked = server.alice.send(server.bob, "How are you?")
    answer = server.bob.send(server.alice, "Well.", reply_to=asked["seq"])
    same(answer.get("reply_to"), asked["seq"])
