"""What a device may do, and that it may do nothing else."""

from cli.doctor.contract.rules import Rules, holds
from cli.doctor.contract.server import Server
from cli.doctor.mqtt import FAILURE, Connection
from cli.doctor.trespassing import foreign_publications, foreign_subscriptions

rules = Rules("What a device may do", about="rights")


@rules("a device subscribes to what is meant for its account")
def own(server: Server) -> None:
    device = server.bob.devices[-1]
    with Connection(device.tcp, device.credential) as connection:
        code = connection.subscribe(device.mqtt["receive_filter"])
    holds(code < FAILURE, expected="a granted subscription", came=f"reason code {code:#x}")


@rules("every other SUBSCRIBE is refused")
def subscriptions(server: Server) -> None:
    device, other = server.bob.devices[-1], server.alice.device
    allowed = list(foreign_subscriptions(device.tcp, device.credential, other.credential))
    holds(not allowed, expected="refusals", came=f"the broker {'; '.join(allowed)}")


@rules("a publish to another's topics is refused, or dropped where MQTT 3.1.1 has no refusal")
def publications(server: Server) -> None:
    device = server.bob.devices[-1]
    # Alice's second, as her first is connected.
    second = server.alice.add_device()
    allowed = list(foreign_publications(device.tcp, device.credential, second.credential))
    holds(not allowed, expected="refusals", came=f"the broker {'; '.join(allowed)}")
