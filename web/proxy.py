"""Who is calling where a reverse proxy stands between: what it says is taken for the address.

Believed only of the proxies in `KATYDID_TRUSTED_PROXIES`: anybody else can write that header too,
and would have a new address for each guess.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from chat.settings import Network

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def believe_proxies(app: Flask, trusted: Sequence[Network]) -> None:
    """Make `request.remote_addr` the address that the proxy saw, which it has written last."""
    directly = app.wsgi_app
    by_proxy = ProxyFix(directly, x_for=1, x_proto=0, x_host=0)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_trusted = _is_in(trusted, environ["REMOTE_ADDR"])
        return (by_proxy if is_trusted else directly)(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


def _is_in(networks: Sequence[Network], address: str) -> bool:
    parsed = ipaddress.ip_address(address or "127.0.0.1")  # a socket of this machine has none
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
