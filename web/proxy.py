"""Who is calling where a reverse proxy stands between: what it says is taken for the address.

Believed only of a proxy on this machine, and only where `KATYDID_PUBLIC_URL` says that there is
one: anybody else can write that header too, and would have a new address for each guess.
"""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def believe_local_proxy(app: Flask) -> None:
    """Make `request.remote_addr` the address that the proxy saw, which it has written last."""
    directly = app.wsgi_app
    by_proxy = ProxyFix(directly, x_for=1, x_proto=0, x_host=0)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_local = ipaddress.ip_address(environ["REMOTE_ADDR"] or "127.0.0.1").is_loopback
        return (by_proxy if is_local else directly)(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]
