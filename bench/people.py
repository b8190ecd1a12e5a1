"""Accounts and devices for a load, made at the door that everybody uses: the HTTP API."""

from dataclasses import dataclass
from typing import Any

import httpx

PASSWORD = "correct horse battery"  # noqa: S105  of a private installation


@dataclass(frozen=True)
class Person:
    """An account with one device: all that its connection needs."""

    account: str
    host: str
    port: int
    user_name: str
    password: str
    send_topic: str
    receive_filter: str


def register(url: str, account: str) -> Person:
    """A new account and its device. Raises httpx.HTTPStatusError."""
    with httpx.Client(base_url=url, timeout=30) as client:
        add_account(client, account)
        return add_device(client, account)


def add_account(client: httpx.Client, account: str) -> None:
    """At the site of the client. Raises httpx.HTTPStatusError."""
    body = {"account": account, "password": PASSWORD}
    client.post("/api/v1/accounts", json=body).raise_for_status()


def add_device(client: httpx.Client, account: str) -> Person:
    """A device of an account that was added before. Raises httpx.HTTPStatusError."""
    body = {"name": "Load", "kind": "thing"}
    answer = client.post("/api/v1/devices", json=body, auth=(account, PASSWORD))
    device: dict[str, Any] = answer.raise_for_status().json()["mqtt"]
    return Person(
        account=account,
        host=device["host"],
        port=device["port"],
        user_name=device["username"],
        password=device["password"],
        send_topic=device["send_topic"],
        receive_filter=device["receive_filter"],
    )
