"""A push service for tests, over TLS, as RFC 8030 has it from the side of who sends; and a browser
that has a subscription there, with keys of its own."""

import base64
import json
import secrets
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.deploy.certificates import Authority


class PushService:
    """Takes what it is sent, or answers with the `status` that it is told to. With a `known_key`,
    it takes only what is signed with that, as for a browser that subscribed with it."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.status = 201
        self.known_key: str | None = None
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        files = self.authority.issue("localhost")
        context.load_cert_chain(files["KATYDID_TLS_CERTIFICATE"], files["KATYDID_TLS_KEY"])
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def place(self) -> str:
        return f"localhost:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, authorization: str) -> int:
        key = authorization.rpartition(",k=")[2]
        return 403 if self.known_key not in (None, key) else self.status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.requests.append((self.path, headers, body))
                self.send_response(service.answer(headers["authorization"]))
                if service.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class Subscription:
    """What a browser has after `pushManager.subscribe`."""

    def __init__(self, service: PushService) -> None:
        self.path = f"/{secrets.token_urlsafe(16)}"
        self._service = service
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = secrets.token_bytes(16)
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.body = {
            "endpoint": f"https://{service.place}{self.path}",
            "p256dh": base64url(point),
            "auth": base64url(self._auth),
        }

    def told(self) -> list[dict[str, Any]]:
        """What has arrived for this browser, decrypted; oldest first."""
        return [
            self._decrypted(body) for path, _, body in self._service.requests if path == self.path
        ]

    def _decrypted(self, body: bytes) -> dict[str, Any]:
        text = http_ece.decrypt(
            body, private_key=self._key, auth_secret=self._auth, version="aes128gcm"
        )
        decoded = json.loads(text)
        assert isinstance(decoded, dict)
        return decoded


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
