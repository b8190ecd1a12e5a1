"""When a started installation is ready, and what its person is told then."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from chat.errors import KatydidError
from chat.hosts import address, reachable
from chat.settings import Settings
from chat.topics import up

_READY_WITHIN_SECONDS = 60.0


class NotReady(KatydidError):
    """Something did not come up in time."""

    def __init__(self, settings: Settings, problem: str, within_seconds: float) -> None:
        within = f"within {within_seconds:.0f} s"
        super().__init__(
            f"Katydid did not become ready {within}: {problem} The logs are in {settings.logs_dir}."
        )


def wait_until_ready(
    settings: Settings,
    *,
    is_over: Callable[[], bool],
    within_seconds: float = _READY_WITHIN_SECONDS,
) -> bool:
    """True as soon as /healthz says so; False when it is over before that. Raises NotReady."""
    deadline = time.monotonic() + within_seconds
    while not is_over():
        problem = _problem(settings)
        if problem is None:
            return True
        if time.monotonic() > deadline:
            raise NotReady(settings, problem, within_seconds)
        time.sleep(0.05)
    return False


def where_to_begin(settings: Settings) -> str:
    """The address to open, and how a program writes to someone."""
    url = site_url(settings)
    return "\n".join(
        [
            f"Katydid is ready. Open {url}/",
            "",
            "From a terminal: Alice adds a device, which then writes to Bob with its own password:",
            f"  curl -u alice -H 'Content-Type: application/json' {url}/api/v1/devices"
            ' -d \'{"name": "terminal", "kind": "thing"}\'',
            f"  mosquitto_pub -V 5 {_broker_options(settings)} -q 1"
            " -i alice.DEVICE -u alice.DEVICE -P DEVICE_PASSWORD"
            f" -t {up('alice', 'bob', 'send')} -m 'Hello Bob'",
            "",
            "Ctrl-C stops everything.",
        ]
    )


def site_url(settings: Settings) -> str:
    """Where people find the site."""
    return settings.public_url or _own_url(settings)


def _broker_options(settings: Settings) -> str:
    if not settings.has_tls:
        return f"-h {settings.broker_host} -p {settings.mqtt_port}"
    host = urlsplit(settings.public_url or "").hostname or reachable(settings.host)
    return f"-h {host} -p {settings.mqtts_port} --tls-use-os-certs"


def _problem(settings: Settings) -> str | None:
    """What the site says is not ready yet; at first, that there is no site."""
    # Through the same door as everybody, whose certificate has another name on it.
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    url = f"{_own_url(settings)}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=3, context=unverified):  # noqa: S310
            return None
    except urllib.error.HTTPError as error:
        with error:
            return _first_problem(error.read())
    except OSError:
        return "The site does not answer."


def _first_problem(answer: bytes) -> str:
    try:
        parts = json.loads(answer)["parts"]
        return next(str(part["problem"]) for part in parts.values() if not part["ready"])
    except (ValueError, KeyError, StopIteration):
        return "The site does not say what is wrong."


def _own_url(settings: Settings) -> str:
    """Where the site is found, if nothing else is said."""
    if settings.has_tls:
        return _url("https", settings.host, settings.https_port)
    return _url("http", settings.host, settings.http_port)


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{address(reachable(host), port)}"
