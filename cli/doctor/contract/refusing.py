"""What has no effect is answered to its sender with an `error`, and its reason."""

from cli.doctor.contract.rules import Rules, answered, holds, same
from cli.doctor.contract.server import API, Server, new_id

rules = Rules("Down: what devices hear", about="errors")


@rules("malformed: what is none of the contract")
def malformed(server: Server) -> None:
    alice, bob = server.alice, server.bob
    id = new_id()
    alice.publish(bob.name, "send", {"id": id, "text": ["no", "text"]})
    told = alice.error(id)
    same((told["reason"], told["verb"], told["to"]), ("malformed", "send", bob.name))
    holds(isinstance(told["detail"], str), expected="a sentence as detail", came=told)
    for verb, payload in (("shout", b"hello"), ("send", b"\xff\xfe"), ("edit", b"{}")):
        alice.publish(bob.name, verb, payload)
        told = alice.hears.hear_of("error", verb=verb, id=None)
        same(told["reason"], "malformed")


@rules("malformed: an empty text")
def empty(server: Server) -> None:
    id = new_id()
    server.alice.publish(server.bob.name, "send", {"id": id, "text": " "})
    same(server.alice.error(id)["reason"], "malformed")


@rules("unknown-recipient: no account has that name")
def unknown(server: Server) -> None:
    id = new_id()
    server.alice.publish(f"{server.bob.name}-x", "send", {"id": id, "text": "Hello?"})
    same(server.alice.error(id)["reason"], "unknown-recipient")


@rules("refused: oneself")
def oneself(server: Server) -> None:
    id = new_id()
    server.alice.publish(server.alice.name, "send", {"id": id, "text": "Hello, me"})
    same(server.alice.error(id)["reason"], "refused")


@rules("too-long: over 4,000 characters; 4,000 are not")
def too_long(server: Server) -> None:
    id = new_id()
    server.alice.publish(server.bob.name, "send", {"id": id, "text": "x" * 4001})
    same(server.alice.error(id)["reason"], "too-long")
    # As many as are allowed, of four bytes each.
    same(len(server.alice.send(server.bob, "🦗" * 4000)["text"]), 4000)


@rules("refused: whom the other has blocked, until it has unblocked")
def blocked(server: Server) -> None:
    alice, bob, id = server.alice, server.bob, new_id()
    with bob.as_device() as http:
        path = f"{API}/blocks/{alice.name}"
        answered(http.put(path), 204)
        try:
            listed = answered(http.get(f"{API}/blocks"), 200)["blocks"]
            holds(
                alice.name in [each["account"] for each in listed],
                expected=f"{alice.name} among them",
                came=listed,
            )
            alice.publish(bob.name, "send", {"id": id, "text": "Do you hear me?"})
            same(alice.error(id)["reason"], "refused")
        finally:
            answered(http.delete(path), 204)
    alice.send(bob, "Do you hear me now?")
