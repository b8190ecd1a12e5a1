"""RabbitMQ's management API, as the admin: one request at whichever node answers.

What is asked and told stands in `rabbitmq.py` and `bridge_sessions.py`.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx

from chat.errors import BrokerUnreachable, SecretMissing
from chat.secrets import ADMIN_PASSWORD, passwords_in
from chat.settings import Settings
from chat.user_names import ADMIN

_CONNECT_WITHIN_SECONDS = 1.0
_ANSWER_WITHIN_SECONDS = 5.0


class AdminAuth(httpx.Auth):
    """Who asks is the admin, by the password in that folder of secrets; while it is being changed,
    by whichever of the two RabbitMQ takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """What httpx calls at each request. Raises SecretMissing."""
        for password in passwords_in(self._folder, ADMIN_PASSWORD):
            answer = yield next(httpx.BasicAuth(ADMIN, password).auth_flow(request))
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return


class Management:
    """The API of one installation's nodes. Every call raises BrokerUnreachable when no node does
    what is asked, and may be made by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._urls = settings.rabbitmq_urls
        self._client = httpx.Client(
            auth=AdminAuth(settings.secrets_dir),
            timeout=httpx.Timeout(_ANSWER_WITHIN_SECONDS, connect=_CONNECT_WITHIN_SECONDS),
            trust_env=False,  # a proxy of the environment is for the world outside
        )

    def get(self, path: str) -> Any:
        """What is there, from JSON."""
        return self._ask("GET", path).json()

    def put(self, path: str, content: dict[str, str]) -> None:
        """What is there is so from now on."""
        self._ask("PUT", path, content=content)

    def delete(self, path: str, *, reason: str) -> None:
        """End what is there, if it is; the broker's log says for what reason. A queue that belongs
        to a connection goes with it, and cannot be deleted before."""
        self._ask("DELETE", path, reason=reason)

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def _ask(
        self, method: str, path: str, *, reason: str = "", content: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {"X-Reason": reason} if reason else {}
        problem = "it cannot be reached"
        for url in self._urls:
            try:
                answer = self._client.request(
                    method, f"{url}/api{path}", headers=headers, json=content
                )
            except httpx.HTTPError:
                continue
            except SecretMissing as error:
                raise BrokerUnreachable(str(error)) from None
            if _is_done(method, answer):
                return answer
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                problem = "it refuses the admin"
            else:
                problem = f"its management API answers {answer.status_code}"
        raise BrokerUnreachable(problem)


def _is_done(method: str, answer: httpx.Response) -> bool:
    if method != "DELETE":
        return answer.is_success
    is_gone = answer.status_code == httpx.codes.NOT_FOUND or "locked queue" in answer.text
    return answer.is_success or is_gone
