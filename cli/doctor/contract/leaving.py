"""The end: a device is revoked, an account is deleted; then everything that was made is gone.

The rules come first. `leave` takes back what is left in any case, and tells what it could not.
"""

import httpx

from chat.errors import KatydidError
from cli.doctor.contract.rules import NotTried, Rules, answered, holds, is_problem, same
from cli.doctor.contract.server import API, Person, Server, new_id
from cli.doctor.findings import Finding, wrong
from cli.doctor.mqtt import Connection, NoAnswer

rules_of_leaving = Rules("HTTP", about="leaving")
_CUT_WITHIN_SECONDS = 1.0


@rules_of_leaving("a revoked device is cut off within a second, and its credential is dead")
def revoked(server: Server) -> None:
    device = server.bob.devices[-1]
    with server.bob.as_device() as http, Connection(device.tcp, device.credential) as live:
        answered(http.delete(f"{API}/devices/{device.id}"), 204)
        is_cut = live.is_cut_within(_CUT_WITHIN_SECONDS)
    holds(is_cut, expected="the connection cut within a second", came="it was still open")
    again = Connection(device.tcp, device.credential)
    try:
        holds(not again.is_let_in(), expected="a refusal at MQTT", came="it was let in")
    except NoAnswer:
        pass
    finally:
        again.close()
    with server.bob.as_device(device) as http:
        is_problem(http.get(f"{API}/accounts/me"), 401)
    server.bob.devices.remove(device)


@rules_of_leaving("an account is deleted by its password alone, and is nobody from then on")
def deleted(server: Server) -> None:
    bob, alice = server.bob, server.alice
    if not bob.is_ours:
        raise NotTried("the accounts were given")
    with bob.http() as http:
        wrong_one = {"password": "not this one", "messages": "erase"}
        is_problem(http.request("DELETE", f"{API}/accounts/me", json=wrong_one), 403)
    answer = _delete(bob)
    holds(answer.status_code in (200, 202), expected="200 or 202", came=answer.status_code)
    server.people.remove(bob)
    bob.hears.close()
    with alice.as_device() as http:
        is_problem(http.get(f"{API}/accounts/{bob.name}"), 404)
    id = new_id()
    alice.publish(bob.name, "send", {"id": id, "text": "Are you there?"})
    same(alice.error(id)["reason"], "unknown-recipient")


def leave(server: Server) -> list[Finding]:
    """Devices and accounts that were made are gone again; what could not be taken back."""
    left = []
    for person in server.people:
        if person.live is not None:
            person.live.close()
        try:
            problem = _deleted(person) if person.is_ours else _devices_removed(person)
        except (httpx.HTTPError, KatydidError) as error:
            problem = str(error) or type(error).__name__
        if problem is not None:
            what = f"The account {person.name}" if person.is_ours else f"A device of {person.name}"
            left.append(
                wrong(
                    "leaving", f"{what} could not be taken back: {problem}.", "Delete it by hand."
                )
            )
    return left


def _deleted(person: Person) -> str | None:
    answer = _delete(person)
    return None if answer.is_success else f"{answer.status_code} {answer.text[:100]}"


def _delete(person: Person) -> httpx.Response:
    with person.http() as http:
        wanted = {"password": person.password, "messages": "erase"}
        return http.request("DELETE", f"{API}/accounts/me", json=wanted)


def _devices_removed(person: Person) -> str | None:
    with person.http() as http:
        for device in person.devices:
            answer = http.delete(f"{API}/devices/{device.id}")
            if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
                return f"{answer.status_code} {answer.text[:100]}"
    return None
