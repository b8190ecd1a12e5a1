"""The two accounts with which a server is tried: throw-away ones where anybody may register, else
two that are given.

Given ones come from the environment or the terminal, never from arguments, which everybody on the
machine can read.
"""

import getpass
import secrets
import string
import sys
from collections.abc import Mapping

import httpx

from chat.errors import KatydidError
from cli.doctor.contract.server import API, Person, Server

GIVEN = ("DOCTOR_FIRST", "DOCTOR_SECOND")


class CannotComeIn(KatydidError):
    """There are no two accounts to try the server with."""


def come_in(server: Server, environ: Mapping[str, str]) -> None:
    """The server has two people, each with a device. Raises CannotComeIn."""
    given = [environ[name] for name in GIVEN if environ.get(name)]
    try:
        if given:
            server.people += _given(server, given)
        else:
            _register(server)
        for person in server.people:
            person.add_device()
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        said = str(error) or type(error).__name__
        raise CannotComeIn(f"No account of {server.url} can add a device: {said}.") from None


def _given(server: Server, given: list[str]) -> list[Person]:
    pairs = [text.partition(":") for text in given]
    if len(pairs) != 2 or not all(name and password for name, _, password in pairs):
        raise CannotComeIn(f"{' and '.join(GIVEN)} must each be NAME:PASSWORD.")
    return [
        Person(name=name, password=password, is_ours=False, url=server.url)
        for name, _, password in pairs
    ]


def _register(server: Server) -> None:
    for _ in GIVEN:
        # A name is never free again, so it has to be one that nobody would want.
        name = "doctor-" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))
        person = Person(name=name, password=secrets.token_urlsafe(24), is_ours=True, url=server.url)
        wanted = {"account": person.name, "password": person.password}
        with server.anybody() as http:
            answer = http.post(f"{API}/accounts", json=wanted)
        if answer.status_code == httpx.codes.FORBIDDEN and not server.people:
            server.people += _asked_for(server)
            return
        if answer.status_code != httpx.codes.CREATED:
            raise CannotComeIn(
                f"{server.url} registers nobody: {answer.status_code} {answer.text[:200]}"
            )
        server.people.append(person)


def _asked_for(server: Server) -> list[Person]:
    """From the terminal, where somebody sits."""
    if not sys.stdin.isatty():
        raise CannotComeIn(
            f"{server.url} lets nobody register; set {' and '.join(GIVEN)} to NAME:PASSWORD of two"
            " accounts that may be used for this."
        )
    asked = []
    for which in ("first", "second"):
        try:
            name = input(f"Name of the {which} account: ")
            password = getpass.getpass(f"Password of {name}: ")
        except EOFError:
            raise CannotComeIn("No account was named.") from None
        asked.append(f"{name}:{password}")
    return _given(server, asked)
