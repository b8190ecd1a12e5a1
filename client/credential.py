"""What a device connects with, as the site told it and the folder keeps it."""

from dataclasses import dataclass
from typing import Any, get_type_hints
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Credential:
    """All that a connection needs, as the site told it."""

    device: str
    host: str
    port: int
    tls: bool
    websocket_url: str
    username: str
    password: str
    client_id: str
    send_topic: str
    receive_filter: str

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> "Credential":
        """Raises one of NOT_UNDERSTOOD for what is none."""
        if not all(isinstance(wire[name], kind) for name, kind in get_type_hints(cls).items()):
            raise TypeError("a field of the credential is of another type")
        credential = cls(**{name: wire[name] for name in cls.__dataclass_fields__})
        websocket_of(credential)
        return credential

    @property
    def auth(self) -> tuple[str, str]:
        return self.username, self.password


def websocket_of(credential: Credential) -> tuple[str, int, str, bool]:
    """Host, port, path and whether TLS is spoken, of MQTT over WebSocket. Raises
    ValueError for what is no URL."""
    parts = urlsplit(credential.websocket_url)
    tls = parts.scheme == "wss"
    return parts.hostname or "", parts.port or (443 if tls else 80), parts.path or "/mqtt", tls
