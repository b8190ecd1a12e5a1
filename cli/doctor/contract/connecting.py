"""MQTT 5 and 3.1.1, over TCP (or TLS) and WebSocket: a device comes in, and is told what is meant
for it."""

from cli.doctor.contract.rules import Rules, Try, holds, same
from cli.doctor.contract.server import Server, new_id
from cli.doctor.mqtt import FAILURE, VERSIONS, Connection, NoAnswer, Version
from cli.doctor.trespassing import without_right

rules = Rules("In one minute", about="connecting")


def _comes_in(version: Version, *, websocket: bool) -> Try:
    def attempt(server: Server) -> None:
        device = server.bob.devices[-1] if len(server.bob.devices) > 1 else server.bob.add_device()
        place = device.websocket if websocket else device.tcp
        id = new_id()
        with Connection(place, device.credential, version=version) as connection:
            granted = connection.subscribe(device.mqtt["receive_filter"])
            holds(granted < FAILURE, expected="a granted subscription", came=granted)
            payload = {"id": id, "text": f"By MQTT {version}"}
            connection.publish(device.topic(server.alice.name, "send"), payload)
            record = connection.hear_of("message", id=id)
        same(record["from"], server.bob.name)

    return attempt


for _version in VERSIONS:
    for _websocket in (False, True):
        _place = "WebSocket" if _websocket else "TCP or TLS"
        rules(f"MQTT {_version} over {_place}: a device comes in, sends, and hears")(
            _comes_in(_version, websocket=_websocket)
        )


@rules("nobody comes in without a credential, with a wrong one, or with another's client id")
def closed(server: Server) -> None:
    alice, bob = server.alice.device, server.bob.device
    assert server.bob.hears  # whoever gets its client id would cut it off
    open_ways = list(without_right(alice.tcp, alice.credential, bob.credential))
    holds(not open_ways, expected="three refusals", came=f"the broker {'; '.join(open_ways)}")


@rules("one that was away with a persistent session in QoS 1 is told when it comes back")
def persistent(server: Server) -> None:
    device = server.bob.devices[-1] if len(server.bob.devices) > 1 else server.bob.add_device()
    credential = device.credential
    with Connection(device.tcp, credential, keeps_session=True) as connection:
        connection.subscribe(device.mqtt["receive_filter"])
    sent = server.alice.send(server.bob, "While you were away")
    with Connection(device.tcp, credential, keeps_session=True) as connection:
        try:
            connection.hear_of("message", seq=sent["seq"])
        except NoAnswer:
            holds(False, expected="what was sent meanwhile", came="nothing in time")
    # A clean start, so that nothing goes on waiting for it.
    with Connection(device.tcp, credential):
        pass
