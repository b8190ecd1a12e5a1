"""`python -m cli.cluster.haproxy`: becomes the cluster's HAProxy, the door for the network and,
inside, for brokers, bridges and sites to those of the others that are well."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from chat.errors import KatydidError
from chat.hosts import address
from chat.settings import Settings, settings_from
from cli.cluster.layout import DOORS, NODES, SITES, Ports, chosen_ports
from cli.haproxy import become, configuration, general_blocks, tls_bind


def main() -> NoReturn:
    """The process is HAProxy from here on, unless it cannot be."""
    try:
        settings = settings_from(os.environ)
        ports = chosen_ports(settings)
        blocks = general_blocks(settings) | _doors(settings) | _inside(ports) | _servers(ports)
        files = ("haproxy.cfg", "haproxy-inside.cfg")
        become(settings, "\n".join(configuration(file, blocks) for file in files))
    except (KatydidError, OSError) as error:
        print(f"haproxy: {error}", file=sys.stderr)
        sys.exit(2)


def _doors(settings: Settings) -> dict[str, Sequence[str]]:
    """What the network sees: by TLS where there is a certificate, and plainly on loopback then."""
    plain = settings.plain_host
    pages = [
        f"bind {address(plain, port)}" for port in (settings.http_port, settings.websocket_port)
    ]
    mqtt = [f"bind {address(plain, settings.mqtt_port)}"]
    if settings.has_tls:
        pages.append(tls_bind(settings, settings.https_port, "alpn h2,http/1.1"))
        mqtt.append(tls_bind(settings, settings.mqtts_port))
    return {"pages": pages, "mqtt": mqtt}


def _inside(ports: Ports) -> dict[str, Sequence[str]]:
    kinds = ("mqtt", "management", "doors", "counts")
    return {f"{kind}-inside": [f"bind {_local(ports[f'haproxy-{kind}'])}"] for kind in kinds}


def _servers(ports: Ports) -> dict[str, Sequence[str]]:
    """Each with its name in the cluster."""
    well = [f"server web-{n} {_local(ports[f'web-{n}'])} check inter 2s" for n in SITES]
    anyway = [f"server web-{n}-anyway {_local(ports[f'web-{n}'])} check inter 2s" for n in SITES]
    return {
        "web": well,
        "anyway": anyway,
        "doors": [f"server door-{n} {_local(ports[f'door-{n}'])} check" for n in DOORS],
        "websocket": _nodes(ports, "websocket", "check"),
        "brokers": _nodes(ports, "mqtt"),
        "management": _nodes(ports, "management"),
    }


def _nodes(ports: Ports, kind: str, check: str = "") -> list[str]:
    return [
        f"server rabbitmq-{n} {_local(ports[f'rabbitmq-{n}-{kind}'])}"
        f" {check or f'track websocket/rabbitmq-{n}'}"
        for n in NODES
    ]


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"


if __name__ == "__main__":
    main()
