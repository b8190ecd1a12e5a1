"""`python -m cli.haproxy`: becomes HAProxy, by which the network comes in with TLS.

`deploy/haproxy.cfg` says how; here are this machine's lines of it. A cluster on one machine has
lines of its own and starts it in the same way.
"""

import os
import ssl
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from cryptography import x509

from chat.errors import KatydidError, SettingError
from chat.hosts import address
from chat.settings import REPOSITORY, Settings, settings_from
from cli.programs import find_program

# Name of a block in the file → the lines that it has here.
Blocks = Mapping[str, Sequence[str]]

_MARK = "[installation: "
_USER = "haproxy"  # of Debian's package


class ProxyNotReady(KatydidError):
    """HAProxy cannot be started here."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"HAProxy cannot be started: {problem}.")


def main() -> NoReturn:
    """The process is HAProxy from here on, unless it cannot be."""
    try:
        settings = settings_from(os.environ)
        blocks = general_blocks(settings) | _blocks_of_one(settings)
        become(settings, configuration("haproxy.cfg", blocks))
    except (KatydidError, OSError) as error:
        print(f"haproxy: {error}", file=sys.stderr)
        sys.exit(2)


def check_certificate(settings: Settings) -> None:
    """Raises SettingError when the two files are no certificate with its key."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    _check_readable("KATYDID_TLS_CERTIFICATE", settings.tls_certificate)
    _check_readable("KATYDID_TLS_KEY", settings.tls_key)
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_certificate, settings.tls_key, password=lambda: b""
        )
    except (ssl.SSLError, OSError, ValueError):
        raise SettingError(
            "KATYDID_TLS_CERTIFICATE",
            f"is {settings.tls_certificate}, which is no certificate in PEM form that goes with the"
            " key of KATYDID_TLS_KEY, without a password",
        ) from None


def check_certificate_lasts(settings: Settings, at: datetime) -> None:
    """Raises SettingError when no client would take the certificate any more. It has been looked at
    by `check_certificate` before."""
    file = settings.tls_certificate
    if file is None:
        return
    until = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    if until < at:
        raise SettingError(
            "KATYDID_TLS_CERTIFICATE", f"is {file}, which expired on {until:%Y-%m-%d}; renew it"
        )


def _check_readable(setting: str, file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        problem = f"is {file}, which cannot be read: {(error.strerror or str(error)).lower()}"
        raise SettingError(setting, problem) from None


def become(settings: Settings, config: str) -> NoReturn:
    """This process is HAProxy with that configuration. Raises ProxyNotReady."""
    program = find_program("haproxy")
    if program is None:
        raise ProxyNotReady("it is not installed")
    _link_certificate(settings)
    file = settings.run_dir / "haproxy.cfg"
    file.write_text(config, encoding="utf-8")
    # A master reads the certificate anew at SIGUSR2, while nobody is cut off.
    words = [program, "-W", "-db", "-p", str(settings.run_dir / "haproxy.pid"), "-f", str(file)]
    os.execv(program, words)  # noqa: S606


def configuration(name: str, blocks: Blocks) -> str:
    """That file of `deploy/` with this machine's lines. A block that is not named is a mistake."""
    lines: list[str] = []
    is_replaced = False
    for line in (REPOSITORY / "deploy" / name).read_text(encoding="utf-8").splitlines():
        if not line.strip():
            is_replaced = False
        if not is_replaced:
            lines.append(line)
        if line.endswith("]") and _MARK in line:
            lines += [f"    {ours}" for ours in blocks[line.partition(_MARK)[2][:-1]]]
            is_replaced = True
    return "\n".join([*lines, ""])


def general_blocks(settings: Settings) -> dict[str, Sequence[str]]:
    """The blocks that every installation on one machine has alike."""
    # Started by root, it reads the certificate and is nobody in particular afterwards.
    process = [f"user {_USER}", f"group {_USER}"] if os.geteuid() == 0 else []
    return {"process": process, "resolver": [], "names": [], "redirect": []}


def tls_bind(settings: Settings, port: int, *options: str) -> str:
    """The line that lets the network in by TLS."""
    crt = settings.run_dir / "tls.pem"
    return " ".join([f"bind {address(settings.host, port)} ssl crt {crt}", *options])


def _blocks_of_one(settings: Settings) -> dict[str, Sequence[str]]:
    """One site and one broker: there is no better one that a check could find."""
    site = address(settings.plain_host, settings.http_port)
    mqtt = address(settings.broker_host, settings.mqtt_port)
    websocket = address(settings.broker_host, settings.websocket_port)
    return {
        "pages": [tls_bind(settings, settings.https_port, "alpn h2,http/1.1")],
        "web": [f"server web {site}"],
        "anyway": [],
        "websocket": [f"server broker {websocket}"],
        "mqtt": [tls_bind(settings, settings.mqtts_port)],
        "brokers": [f"server broker {mqtt}"],
    }


def _link_certificate(settings: Settings) -> None:
    """HAProxy takes a key from beside the certificate. Links, so that a renewed one is found."""
    for name, file in (("tls.pem", settings.tls_certificate), ("tls.pem.key", settings.tls_key)):
        link: Path = settings.run_dir / name
        link.unlink(missing_ok=True)
        if file is not None:
            link.symlink_to(file)


if __name__ == "__main__":
    main()
