"""The ports that an installation is about to listen on: whether each is free, and whom it lets in.

The children would find out too, but one after the other, and only in their logs.
"""

import errno
import ipaddress
import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from chat.errors import KatydidError, SettingError
from chat.settings import Settings
from cli.terminal import say


class PortTaken(KatydidError):
    """A port cannot be listened on; the sentence names it and its setting."""

    def __init__(self, name: str, port: int, host: str, problem: str) -> None:
        super().__init__(f"Port {port} ({name}) on {host} {problem}, or set {name} to another.")
        self.name = name
        self.port = port


def check_ports(settings: Settings) -> None:
    """Raises PortTaken or SettingError for the first that cannot be had."""
    doors = _doors(settings)
    ports = {name: door.port for name, door in doors.items()}
    names_of = {port: [name for name in ports if ports[name] == port] for port in ports.values()}
    for port, names in names_of.items():
        if len(names) > 1:
            raise SettingError(names[1], f"is {port}, but so is {names[0]}; each needs its own")
    with ExitStack() as probes:
        for name, door in doors.items():
            probes.enter_context(_bound(name, door))


def warn_of_open_doors(settings: Settings) -> None:
    """Whoever listens to the network should hear what that means."""
    if not settings.has_tls and not is_loopback(settings.host):
        say(
            f"warning: KATYDID_HOST {settings.host} lets the network in, and nothing is encrypted,"
            " passwords neither; set KATYDID_TLS_CERTIFICATE and KATYDID_TLS_KEY, or put a proxy"
            " with TLS in front."
        )


@dataclass(frozen=True)
class _Door:
    """Where a setting makes us listen."""

    port: int
    host: str
    host_setting: str = "KATYDID_HOST"


def _doors(settings: Settings) -> dict[str, _Door]:
    """By the name of the port's setting."""
    plain = settings.plain_host
    ours = {"KATYDID_HTTP_PORT": _Door(settings.http_port, plain)}
    if settings.starts_broker:
        ours["KATYDID_MQTT_PORT"] = _Door(settings.mqtt_port, plain)
        ours["KATYDID_WEBSOCKET_PORT"] = _Door(settings.websocket_port, plain)
    elif settings.broker == "rabbitmq":
        ours["KATYDID_AUTH_PORT"] = _Door(
            settings.auth_port, settings.auth_host, "KATYDID_AUTH_HOST"
        )
    if settings.has_tls:
        ours["KATYDID_HTTPS_PORT"] = _Door(settings.https_port, settings.host)
        ours["KATYDID_MQTTS_PORT"] = _Door(settings.mqtts_port, settings.host)
    return ours


def _bound(name: str, door: _Door) -> socket.socket:
    host, port = door.host, door.port
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror:
        raise SettingError(
            door.host_setting, f"is {host!r}, which no address is known for"
        ) from None
    probe = socket.socket(family, kind)
    # As the servers do: what an earlier run left in TIME_WAIT is in nobody's way.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(address)
    except OSError as error:
        probe.close()
        if error.errno == errno.EADDRNOTAVAIL:
            problem = f"is {host!r}, which is no address of this machine"
            raise SettingError(door.host_setting, problem) from None
        raise _reason(error, host, name, port) from None
    return probe


def _reason(error: OSError, host: str, name: str, port: int) -> KatydidError:
    if error.errno == errno.EACCES:
        return PortTaken(name, port, host, "is not for ordinary users; run as root")
    if error.errno != errno.EADDRINUSE:
        return PortTaken(name, port, host, f"cannot be had: {os.strerror(error.errno or 0)}")
    hint = ""
    if name == "KATYDID_MQTT_PORT":
        hint = " (if it is the mosquitto service: sudo systemctl disable --now mosquitto)"
    return PortTaken(name, port, host, f"is taken by another program; stop that one{hint}")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
