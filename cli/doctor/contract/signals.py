"""Receipts, typing and presence: who is told what, and that cursors move forward only."""

from cli.doctor.contract.rules import Rules, answered, holds, same
from cli.doctor.contract.server import API, Server
from cli.doctor.mqtt import Connection

rules = Rules("Down: what devices hear", about="signals")


@rules("both are told what one has received and read")
def receipts(server: Server) -> None:
    seq = server.alice.send(server.bob, "Read this")["seq"]
    for verb in ("delivered", "read"):
        server.bob.publish(server.alice.name, verb, {"seq": seq})
        for person in (server.alice, server.bob):
            told = person.hears.hear_of("receipt", **{"account": server.bob.name, verb: seq})
            holds(told["read"] <= told["delivered"], expected="read ≤ delivered", came=told)


@rules("cursors move forward only")
def forward(server: Server) -> None:
    seq = server.alice.send(server.bob, "And this")["seq"]
    server.bob.publish(server.alice.name, "read", {"seq": seq})
    server.bob.publish(server.alice.name, "read", {"seq": 1})
    server.bob.send(server.alice, "Done")  # after which both have had their effect
    with server.alice.as_device() as http:
        listed = answered(http.get(f"{API}/conversations"), 200)["conversations"]
    [line] = [each for each in listed if each["peer"] == server.bob.name]
    same(line["peer_read"], seq)


@rules("a cursor beyond the newest message is malformed")
def beyond(server: Server) -> None:
    server.bob.publish(server.alice.name, "read", {"seq": 2**40})
    told = server.bob.hears.hear_of("error", verb="read")
    same(told["reason"], "malformed")


@rules("typing is relayed to the other, and not archived")
def typing(server: Server) -> None:
    before = server.alice.send(server.bob, "Are you writing?")
    server.bob.publish(server.alice.name, "typing", qos=0)
    told = server.alice.hears.hear("typing")
    same(told["from"], server.bob.name)
    after = server.alice.send(server.bob, "I see that you are")
    same(after["seq"], before["seq"] + 1)


@rules("who announces itself is online for the other, and no longer when its will is sent")
def presence(server: Server) -> None:
    device = server.bob.devices[-1]
    topic, connection = device.topic("-", "presence"), f"{device.id}-1"
    will = (topic, f'{{"online": false, "connection": "{connection}"}}'.encode())
    with Connection(device.tcp, device.credential, will=will) as live:
        live.publish(topic, {"online": True, "connection": connection})
        server.alice.hears.hear_of("presence", account=server.bob.name, online=True)
        live.break_off()
    told = server.alice.hears.hear_of("presence", account=server.bob.name, online=False)
    holds(told["last_seen_at"], expected="last_seen_at", came=told)
