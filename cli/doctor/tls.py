"""The certificate by which the network comes in: whole, for the right names, for how long, and
whether it is the one that is shown."""

import ssl
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from chat.errors import SettingError
from chat.hosts import reachable
from chat.times import now
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.installation import Installation, is_listening
from cli.haproxy import check_certificate

_RENEW_WITHIN_DAYS = 14


def check_certificate_file(installation: Installation) -> Iterator[Finding]:
    """Nothing at all without TLS."""
    settings = installation.settings
    file, key = settings.tls_certificate, settings.tls_key
    if file is None or key is None:
        return
    try:
        check_certificate(settings)
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (SettingError, ValueError, OSError):
        yield wrong(
            "tls",
            f"{file} is no certificate in PEM form that goes with the key {key}.",
            "Set KATYDID_TLS_CERTIFICATE and KATYDID_TLS_KEY to the two files of one certificate,"
            " whose key has no password.",
        )
        return
    if key.stat().st_mode & stat.S_IRWXO:
        yield wrong("tls", f"Everybody can read the key {key}.", f"chmod o= {key}")
    yield _lasts(certificate, now())
    yield from _names(certificate, settings.public_url)
    yield from _is_shown(file, settings.host, settings.https_port)


def _lasts(certificate: x509.Certificate, at: datetime) -> Finding:
    until = certificate.not_valid_after_utc
    days = (until - at).total_seconds() / 86_400
    renew = "Renew it; ./katydid up takes the new one by itself."
    if days < 0:
        says = f"The certificate expired on {until:%Y-%m-%d}: no client comes in."
        return wrong("tls", says, renew)
    if certificate.not_valid_before_utc > at:
        begins = certificate.not_valid_before_utc
        says = f"The certificate is not valid before {begins:%Y-%m-%d %H:%M} UTC."
        return wrong("tls", says, "Wait, or see whether the clock of this machine is right.")
    if days < _RENEW_WITHIN_DAYS:
        return warning("tls", f"The certificate expires in {days:.0f} days.", renew)
    return ok("tls", f"The certificate goes with its key, and lasts for {days:.0f} days.")


def _names(certificate: x509.Certificate, public_url: str | None) -> Iterator[Finding]:
    names = _names_in(certificate)
    host = urlsplit(public_url or "").hostname
    if host is None:
        yield skipped("tls", f"It is for {', '.join(names)}; KATYDID_PUBLIC_URL does not say more.")
    elif host in names or f"*.{host.partition('.')[2]}" in names:
        yield ok("tls", f"It is for {host}, as KATYDID_PUBLIC_URL says.")
    else:
        yield wrong(
            "tls",
            f"The certificate is for {', '.join(names) or 'no name'}, and not for {host}.",
            f"Get one for {host}, or set KATYDID_PUBLIC_URL to what it is for.",
        )


def _names_in(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return [*found.get_values_for_type(x509.DNSName), *addresses]


def _is_shown(file: Path, host: str, port: int) -> Iterator[Finding]:
    """A renewed one that HAProxy has not read yet helps nobody."""
    host = reachable(host)
    if not is_listening(host, port):
        return
    try:
        shown = ssl.get_server_certificate((host, port), timeout=5)
    except OSError as error:
        yield wrong("tls", f"Port {port} does not speak TLS: {error}.", "See logs/haproxy.log.")
        return
    own = x509.load_pem_x509_certificate(file.read_bytes())
    if x509.load_pem_x509_certificate(shown.encode()) == own:
        yield ok("tls", f"Port {port} shows this certificate.")
    else:
        yield warning(
            "tls",
            f"Port {port} shows another certificate than the one in {file}.",
            "It is taken within some seconds; if not, kill -USR2 the process in"
            " KATYDID_HOME/run/haproxy.pid.",
        )
