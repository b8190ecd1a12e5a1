"""The site as it is run: gunicorn with two processes, asked over a real network by httpx."""

import os
import signal
import subprocess
from contextlib import suppress
from functools import cache
from typing import Any, Self

import httpx

from bench.processes import tree
from chat.settings import REPOSITORY
from cli.web import site_command
from tests.asking import NO_TLS
from tests.contract import Answer, assert_described, closed
from tests.running import Installation, is_listening, wait_until
from tests.web.visitor import PASSWORD, TOKEN


class ServedSite:
    """gunicorn in front of an installation; `stop` ends it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.url = f"http://127.0.0.1:{installation.settings.http_port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens; after a stop, once more."""
        installation, port = self.installation, self.installation.settings.http_port
        metrics_dir = installation.settings.metrics_dir
        metrics_dir.mkdir(parents=True, exist_ok=True)
        environ = installation.environ | {"PROMETHEUS_MULTIPROC_DIR": str(metrics_dir)}
        with (installation.settings.home / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                site_command(installation.settings),
                cwd=REPOSITORY,
                env=os.environ | environ,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        wait_until("the site to listen", lambda: is_listening(port))

    def stop(self) -> None:
        """Its processes end with it, even where it does not end in time, which is an error."""
        everything = list(tree(self._process.pid))
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            for pid in everything:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            raise

    def kill(self) -> None:
        """`kill -9`, with all its workers."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=15)

    def log(self) -> str:
        return (self.installation.settings.home / "web.log").read_text()

    def program(self, account: str, password: str = PASSWORD) -> httpx.Client:
        """A program that sends a name and a password with each request."""
        return _client(self.url, auth=(account, password))

    def browser(self) -> "ServedBrowser":
        return ServedBrowser(self.url)


class ServedBrowser:
    """Keeps its cookies, and sends the token of the page that it saw last."""

    def __init__(self, url: str) -> None:
        self.client = _client(url)

    def log_in(self, account: str) -> Self:
        self._see("/login")
        assert self.log_in_again(account).status_code == 302
        self._see("/")
        return self

    def log_in_again(self, account: str) -> httpx.Response:
        """Send the form, as from a tab in which it was still open."""
        form = {"account": account, "password": PASSWORD, "csrf_token": self.token}
        return self.client.post("/login", data=form)

    def log_out(self) -> httpx.Response:
        return self.client.post("/logout", data={"csrf_token": self.token})

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, json: Any) -> httpx.Response:
        return self.client.post(path, json=json, headers={"X-CSRFToken": self.token})

    def put(self, path: str, json: Any) -> httpx.Response:
        return self.client.put(path, json=json, headers={"X-CSRFToken": self.token})

    def delete(self, path: str, json: Any = None) -> httpx.Response:
        return self.client.request("DELETE", path, json=json, headers={"X-CSRFToken": self.token})

    def cookie(self) -> str:
        """The session, as a header has it."""
        return f"katydid={self.client.cookies['katydid']}"

    def copy(self) -> Self:
        """Somebody who has got hold of the cookies."""
        other = type(self)(str(self.client.base_url))
        other.client.cookies.update(self.client.cookies)
        other.token = self.token
        return other

    def _see(self, path: str) -> None:
        found = TOKEN.search(self.client.get(path).text)
        assert found is not None, f"{path} carries no token"
        self.token = found[1]


def _client(url: str, **options: Any) -> httpx.Client:
    """Each answer of the API has to be one that the site's own openapi.json describes."""

    def check(response: httpx.Response) -> None:
        response.read()
        request = response.request
        answer = Answer(
            request.method,
            request.url.path,
            response.status_code,
            response.headers,
            response.content,
        )
        assert_described(_document(url), answer)

    hooks = {"response": [check]}
    return httpx.Client(base_url=url, timeout=30, verify=NO_TLS, event_hooks=hooks, **options)


@cache
def _document(url: str) -> dict[str, Any]:
    """As the site has it, closed; the same as long as its code is."""
    return closed(httpx.get(f"{url}/api/v1/openapi.json", timeout=30, verify=NO_TLS).json())
