"""Servers that are none, or that answer what they should not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chat.topics import down, shard_of
from chat.user_names import bridge_user_name
from client import Katydid, Problem, Unreachable
from mqtt_acl.issuer import Credentials
from tests.client.serving import Serving, next_texts
from tests.mqtt import Client

_CONNECTION = {
    "host": "127.0.0.1",
    "port": 1883,
    "tls": False,
    "websocket_url": "ws://127.0.0.1:9001/mqtt",
    "username": "alice.x",
    "password": "secret",
    "client_id": "alice.x",
    "send_topic": "chat/v1/up/7/alice/{to}/send",
    "receive_filter": "chat/v1/down/alice/#",
}
_STRANGE = [
    b"<p>Welcome</p>",
    b"",
    b"[]",
    b"null",
    b'"mqtt"',
    b'{"device": "x", "mqtt": []}',
    b'{"device": "x", "mqtt": {"host": "127.0.0.1"}}',
    json.dumps({"device": "x", "mqtt": _CONNECTION | {"port": "no number"}}).encode(),
    json.dumps({"device": "x", "mqtt": _CONNECTION | {"host": None}}).encode(),
    json.dumps({"device": "x", "mqtt": _CONNECTION}).encode(),  # and no conversations
    b'{"device": ' + b"[" * 100_000,
]


@contextmanager
def answering(
    body: bytes, *, status: int = 200, location: str = ""
) -> Iterator[tuple[str, list[str]]]:
    """Its URL, and what it was asked for."""
    asked: list[str] = []

    class Site(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize("body", _STRANGE, ids=range(len(_STRANGE)))
async def test_what_is_no_katydid_is_said_to_be_none(body: bytes, tmp_path: Path) -> None:
    with answering(body) as (url, _), pytest.raises(Unreachable, match="is no Katydid"):
        async with Katydid(url, "alice", password="secret", folder=tmp_path):
            pass

    assert not (tmp_path / "device.json").exists()


async def test_a_password_goes_nowhere_else(tmp_path: Path) -> None:
    with (
        answering(b"{}") as (elsewhere, asked),
        answering(b"", status=307, location=f"{elsewhere}/api/v1/devices") as (url, _),
    ):
        with pytest.raises(Problem, match="answers 307"):
            async with Katydid(url, "alice", password="secret", folder=tmp_path):
                pass

        assert asked == []


async def test_what_is_not_understood_stops_nothing(serving: Serving, alice: str, bob: str) -> None:
    server = serving.installation
    user_name = bridge_user_name(shard_of(alice))
    strange = [b"[]", b"\xff", b"[" * 100_000, b'{"conversation": 1e999, "seq": 1}', b'{"id": []}']
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        heard = at_alice.messages()
        server.kill("bridge")
        with Client(
            server.settings, Credentials("", user_name, server.secrets.bridge_password)
        ) as bridge:
            for payload in strange:
                for kind in ("message", "receipt", "typing", "presence", "error", "other"):
                    bridge.publish(down(alice, kind), payload)
        server.start("bridge")

        await at_bob.send(alice, "Hello")

        assert await next_texts(heard, 1) == ["Hello"]
        assert at_alice.is_online
