"""All settings of an installation: names, units, defaults. Each program reads them once.

They come from environment variables alone. A bad value stops the program with one sentence that
says which variable it is and what is allowed. Secrets are no settings; they live in `secrets.py`.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from chat.errors import SettingError
from chat.hosts import reachable
from chat.topics import SHARDS

T = TypeVar("T")
Network = IPv4Network | IPv6Network

REPOSITORY = Path(__file__).resolve().parent.parent

# Of Chrome and its kin, Firefox, Safari, and Edge on Windows.
_PUSH_SERVICES = (
    "fcm.googleapis.com, *.push.services.mozilla.com, *.push.apple.com, *.notify.windows.com"
)
# Push services want an address of who runs this; some refuse one that is none.
_NO_CONTACT = "mailto:nobody@example.com"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One installation's settings; `docs/operations.md` and the README explain each."""

    home: Path
    cache: Path
    host: str
    http_port: int
    mqtt_port: int
    websocket_port: int
    https_port: int
    mqtts_port: int
    tls_certificate: Path | None
    tls_key: Path | None
    database_url: str
    broker: str
    mqtt_host: str | None
    rabbitmq_urls: tuple[str, ...]
    auth_host: str
    auth_port: int
    shards_served: tuple[int, ...]
    bridge_name: str | None
    registration: str
    keep_days: int | None
    rate_per_second: float
    rate_burst: int
    strangers_per_hour: int | None
    login_limit: str | None
    registration_limit: str | None
    device_limit: str | None
    public_url: str | None
    public_websocket_url: str | None
    public_mqtt: str | None
    trusted_proxies: tuple[Network, ...]
    push_services: tuple[str, ...]
    push_contact: str

    @property
    def has_tls(self) -> bool:
        """Whether the network comes in by TLS, through a proxy that is ours to start."""
        return self.tls_certificate is not None

    @property
    def plain_host(self) -> str:
        """Where site and broker listen themselves, who know no TLS."""
        return "127.0.0.1" if self.has_tls else self.host

    @property
    def starts_broker(self) -> bool:
        """Whether the broker is ours to start, or one that already runs elsewhere."""
        return self.mqtt_host is None

    @property
    def broker_host(self) -> str:
        """Where our own programs reach the broker."""
        return self.mqtt_host or reachable(self.plain_host)

    @property
    def secrets_dir(self) -> Path:
        return self.home / "secrets"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    @property
    def run_dir(self) -> Path:
        return self.home / "run"

    @property
    def broker_dir(self) -> Path:
        return self.home / "broker"

    @property
    def metrics_dir(self) -> Path:
        """Where all processes of this machine keep the metrics that `/metrics` shows together."""
        return self.run_dir / "metrics"


def settings_from(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment asks for. Raises SettingError for the first bad one."""
    return _settings(_Reader(environ))


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings of ours and are none: most likely misspelt."""
    read = _Reader({})
    _settings(read)
    return sorted(
        name for name in environ if name.startswith("KATYDID_") and name not in read.names
    )


def _settings(read: "_Reader") -> Settings:
    home = read("KATYDID_HOME", str(REPOSITORY / "var"), _folder)
    public_url = read.optional("KATYDID_PUBLIC_URL", _url("http", "https"))
    contact = public_url if public_url and public_url.startswith("https:") else _NO_CONTACT
    certificate = read.optional("KATYDID_TLS_CERTIFICATE", _file)
    key = read.optional("KATYDID_TLS_KEY", _file)
    if (certificate is None) != (key is None):
        missing = "CERTIFICATE" if certificate is None else "KEY"
        raise SettingError(f"KATYDID_TLS_{missing}", "is not set, but TLS needs both files")
    return Settings(
        home=home,
        cache=read("KATYDID_CACHE", "~/.cache/katydid", _folder),
        host=read("KATYDID_HOST", "127.0.0.1", _host),
        http_port=read("KATYDID_HTTP_PORT", "8000", _port),
        mqtt_port=read("KATYDID_MQTT_PORT", "1883", _port),
        websocket_port=read("KATYDID_WEBSOCKET_PORT", "9001", _port),
        https_port=read("KATYDID_HTTPS_PORT", "8443", _port),
        mqtts_port=read("KATYDID_MQTTS_PORT", "8883", _port),
        tls_certificate=certificate,
        tls_key=key,
        database_url=read(
            "KATYDID_DATABASE_URL", f"sqlite:///{home}/katydid.db", database_url_from
        ),
        broker=read("KATYDID_BROKER", "mosquitto", _one_of("mosquitto", "rabbitmq")),
        mqtt_host=read.optional("KATYDID_MQTT_HOST", _host),
        rabbitmq_urls=read("KATYDID_RABBITMQ_URL", "http://127.0.0.1:15672", _urls),
        auth_host=read("KATYDID_AUTH_HOST", "127.0.0.1", _host),
        auth_port=read("KATYDID_AUTH_PORT", "8001", _port),
        shards_served=read("KATYDID_SHARDS_SERVED", "all", _shards),
        bridge_name=read.optional("KATYDID_BRIDGE_NAME", _name),
        registration=read("KATYDID_REGISTRATION", "open", _one_of("open", "invite", "closed")),
        keep_days=read("KATYDID_KEEP_DAYS", "forever", _days),
        rate_per_second=read("KATYDID_RATE_PER_SECOND", "20", _positive_number),
        rate_burst=read("KATYDID_RATE_BURST", "100", _positive_whole_number),
        strangers_per_hour=read("KATYDID_STRANGERS_PER_HOUR", "100", _number_or_off),
        login_limit=read("KATYDID_LOGIN_LIMIT", "10 per minute", _limit),
        registration_limit=read("KATYDID_REGISTRATION_LIMIT", "20 per hour", _limit),
        device_limit=read("KATYDID_DEVICE_LIMIT", "300 per hour", _limit),
        public_url=public_url,
        public_websocket_url=read.optional("KATYDID_PUBLIC_WEBSOCKET_URL", _url("ws", "wss")),
        public_mqtt=read.optional("KATYDID_PUBLIC_MQTT", _host_and_port),
        # Ours, or that of whoever has set a public URL, most likely on this machine.
        trusted_proxies=read(
            "KATYDID_TRUSTED_PROXIES",
            "127.0.0.0/8, ::1" if public_url or certificate else "none",
            _networks,
        ),
        push_services=read("KATYDID_PUSH_SERVICES", _PUSH_SERVICES, _services),
        push_contact=read("KATYDID_PUSH_CONTACT", contact, _contact),
    )


class _Reader:
    """Reads one variable after the other; an empty one counts as not set."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.names: set[str] = set()

    def __call__(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        self.names.add(name)
        text = self._environ.get(name, "").strip() or default
        try:
            return parse(text)
        except ValueError as error:
            # A URL may hold a password.
            shown = "is something else" if "://" in text else f"is {text!r}"
            raise SettingError(name, f"{shown}, but must be {error}") from None

    def optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        self.names.add(name)
        return self(name, "", parse) if self._environ.get(name, "").strip() else None


def _folder(text: str) -> Path:
    if "\0" in text:
        raise ValueError("the path of a folder")
    return Path(text).expanduser().absolute()


def _file(text: str) -> Path:
    path = _folder(text)
    if not path.is_file():
        raise ValueError("a file that is there")
    return path


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", text):
        raise ValueError("a host name or an IP address")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,48}", text):
        raise ValueError("1 to 48 letters, digits, dots, - and _")
    return text


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError("a port number from 1 to 65535")
    return int(text)


def database_url_from(text: str) -> str:
    """The URL of a database that we can use. Raises ValueError with what is allowed."""
    if not re.match(r"sqlite:///.", text) and not _is_postgresql(text):
        raise ValueError(
            "sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME, where a password has"
            " %40 for @, %2F for / and %3A for :"
        )
    return text


def _is_postgresql(url: str) -> bool:
    """Strict, since what is not understood is part of a password, and would be shown as a host."""
    user = r"([^:@/?#\s]+(:[^:@/?#\s]*)?@)?"
    host = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(:[0-9]{1,5})?"
    return bool(re.fullmatch(rf"postgresql\+psycopg://{user}{host}/[^/?#\s]+(\?\S+)?", url))


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(", ".join(allowed[:-1]) + " or " + allowed[-1])
        return text

    return parse


def _shards(text: str) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(SHARDS))
    digits = [digit.strip() for digit in text.split(",")]
    if not all(re.fullmatch(r"[0-9a-f]", digit) for digit in digits):
        raise ValueError("all, or hexadecimal digits with commas between, such as 0,1,a,f")
    return tuple(sorted({int(digit, 16) for digit in digits}))


def _positive_number(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or float(text) == 0:
        raise ValueError("a number above 0")
    return float(text)


def _positive_whole_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise ValueError("a whole number above 0")
    return int(text)


def _number_or_off(text: str) -> int | None:
    if text == "off":
        return None
    try:
        return _positive_whole_number(text)
    except ValueError as error:
        raise ValueError(f"off, or {error}") from None


def _days(text: str) -> int | None:
    if text == "forever":
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text):
        raise ValueError("forever, or a number of days from 1 to 99999")
    return int(text)


def _limit(text: str) -> str | None:
    if text == "off":
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,8} per (second|minute|hour|day)", text):
        raise ValueError("off, or a number per second, minute, hour or day, such as 10 per minute")
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError("a URL that begins with " + " or ".join(f"{s}://" for s in schemes))
        return text.rstrip("/")

    return parse


def _urls(text: str) -> tuple[str, ...]:
    """In the order in which they are tried."""
    return tuple(_url("http", "https")(url.strip()) for url in text.split(","))


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host:
        raise ValueError("HOST:PORT")
    _host(host)
    _port(port)
    return text


def _networks(text: str) -> tuple[Network, ...]:
    if text == "none":
        return ()
    try:
        return tuple(ip_network(part.strip()) for part in text.split(","))
    except ValueError:
        raise ValueError(
            "none, or addresses and networks with commas between, such as 192.0.2.7, 10.1.0.0/16"
        ) from None


def _services(text: str) -> tuple[str, ...]:
    if text == "none":
        return ()
    services = tuple(part.strip().lower() for part in text.split(","))
    if not all(
        re.fullmatch(r"(\*\.)?[a-z0-9][a-z0-9.-]{0,252}(:[0-9]{1,5})?", s) for s in services
    ):
        raise ValueError(
            "none, or host names with commas between, such as push.example.com, *.push.example.com"
        )
    return services


def _contact(text: str) -> str:
    if not re.fullmatch(r"(mailto:[^@\s]+@[^@\s]+|https://[^\s]+)", text):
        raise ValueError("mailto:ADDRESS or a URL that begins with https://")
    return text
