"""The site as it is run: gunicorn with two processes, asked over a real network by httpx."""

import os
import subprocess
import sys
from typing import Any, Self

import httpx

from chat.settings import REPOSITORY
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
                [
                    *(sys.executable, "-m", "gunicorn", "web:site()"),
                    *(f"--bind=127.0.0.1:{port}", "--workers=2", "--threads=4"),
                    *("--worker-class=gthread", "--preload"),
                ],
                cwd=REPOSITORY,
                env=os.environ | environ,
                stdout=log,
                stderr=log,
            )
        wait_until("the site to listen", lambda: is_listening(port))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=15)

    def log(self) -> str:
        return (self.installation.settings.home / "web.log").read_text()

    def program(self, account: str, password: str = PASSWORD) -> httpx.Client:
        """A program that sends a name and a password with each request."""
        return httpx.Client(base_url=self.url, auth=(account, password), timeout=30)

    def browser(self) -> "ServedBrowser":
        return ServedBrowser(self.url)


class ServedBrowser:
    """Keeps its cookies, and sends the token of the page that it saw last."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=30)

    def log_in(self, account: str) -> Self:
        self._see("/login")
        assert self.log_in_again(account).status_code == 302
        self._see("/")
        return self

    def log_in_again(self, account: str) -> httpx.Response:
        """Send the form, as from a tab in which it was still open."""
        form = {"account": account, "password": PASSWORD, "csrf_token": self._token}
        return self.client.post("/login", data=form)

    def log_out(self) -> httpx.Response:
        return self.client.post("/logout", data={"csrf_token": self._token})

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, json: Any) -> httpx.Response:
        return self.client.post(path, json=json, headers={"X-CSRFToken": self._token})

    def put(self, path: str, json: Any) -> httpx.Response:
        return self.client.put(path, json=json, headers={"X-CSRFToken": self._token})

    def delete(self, path: str, json: Any = None) -> httpx.Response:
        return self.client.request("DELETE", path, json=json, headers={"X-CSRFToken": self._token})

    def copy(self) -> Self:
        """Somebody who has got hold of the cookies."""
        other = type(self)(str(self.client.base_url))
        other.client.cookies.update(self.client.cookies)
        other._token = self._token
        return other

    def _see(self, path: str) -> None:
        found = TOKEN.search(self.client.get(path).text)
        assert found is not None, f"{path} carries no token"
        self._token = found[1]
