"""The ports that an installation is about to listen on: whether each is free, and whom it lets in.

The children would find out too, but one after the other, and only in their logs.
"""

import errno
import ipaddress
import os
import socket
from contextlib import ExitStack

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
    ports = _ports(settings)
    names_of = {port: [name for name in ports if ports[name] == port] for port in ports.values()}
    for port, names in names_of.items():
        if len(names) > 1:
            raise SettingError(names[1], f"is {port}, but so is {names[0]}; each needs its own")
    with ExitStack() as probes:
        for name, port in ports.items():
            probes.enter_context(_bound(settings, name, port))


def warn_of_open_doors(settings: Settings) -> None:
    """Whoever listens to the network should hear what that means."""
    if not _is_loopback(settings.host):
        say(
            f"warning: KATYDID_HOST {settings.host} lets the network in, and nothing is encrypted,"
            " passwords neither; put a proxy with TLS in front."
        )


def _ports(settings: Settings) -> dict[str, int]:
    ours = {"KATYDID_HTTP_PORT": settings.http_port}
    if settings.starts_broker:
        ours["KATYDID_MQTT_PORT"] = settings.mqtt_port
        ours["KATYDID_WEBSOCKET_PORT"] = settings.websocket_port
    if settings.broker == "rabbitmq":
        ours["KATYDID_AUTH_PORT"] = settings.auth_port
    return ours


def _bound(settings: Settings, name: str, port: int) -> socket.socket:
    name_of_host, host = "KATYDID_HOST", settings.host
    if name == "KATYDID_AUTH_PORT":
        name_of_host, host = "KATYDID_AUTH_HOST", settings.auth_host
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror:
        raise SettingError(name_of_host, f"is {host!r}, which no address is known for") from None
    probe = socket.socket(family, kind)
    # As the servers do: what an earlier run left in TIME_WAIT is in nobody's way.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(address)
    except OSError as error:
        probe.close()
        if error.errno == errno.EADDRNOTAVAIL:
            problem = f"is {host!r}, which is no address of this machine"
            raise SettingError(name_of_host, problem) from None
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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
