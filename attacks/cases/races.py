"""Two at the same moment, where there is room for one."""

from collections.abc import Callable

import httpx
from sqlmodel import select

from attacks.at_once import all_at_once, says
from attacks.attack import HTTP, Door, Seen
from attacks.place import Place
from bench.people import PASSWORD
from chat.devices import MOST_DEVICES, new_device
from chat.models import Account
from chat.times import now

HTTP_DOOR = Door(HTTP)
_AT_ONCE = 8


def _register(place: Place, account: str, invitation: str) -> Callable[[], httpx.Response]:
    body = {"account": account, "password": PASSWORD, "invitation": invitation}
    return lambda: httpx.post(f"{place.url}/api/v1/accounts", json=body, timeout=60)


@HTTP_DOOR.attack("one name, registered by eight at once", "one has it")
def one_name(place: Place) -> Seen:
    name = f"{place.newcomer()}-raced"[:32]
    said = all_at_once([_register(place, name, place.invitation()) for _ in range(_AT_ONCE)])
    return Seen(said[201] == 1 and said[500] == 0, says(said))


@HTTP_DOOR.attack("one invitation, used by eight at once", "one account")
def one_invitation(place: Place) -> Seen:
    name, invitation = place.newcomer(), place.invitation()
    before = place.count("SELECT count(*) FROM account")
    said = all_at_once([_register(place, f"{name}-{n}"[:32], invitation) for n in range(_AT_ONCE)])
    made = place.count("SELECT count(*) FROM account") - before
    return Seen(said[201] == made == 1 and said[500] == 0, says(said))


@HTTP_DOOR.attack("an invitation that was used, and none at all", "403")
def no_invitation(place: Place) -> Seen:
    used = place.invitation()
    _register(place, place.newcomer() + "-x", used)().raise_for_status()
    said = {_register(place, "mallory-too", each)().status_code for each in (used, "", "forged")}
    return Seen(said == {403}, ", ".join(map(str, said)))


@HTTP_DOOR.attack("the last place for a device, taken by eight at once", f"{MOST_DEVICES} devices")
def last_device(place: Place) -> Seen:
    """Asked for by a device, whose secret is looked at faster than a password. Most of the others
    are in SQL alone: a broker would need some time to be told."""
    name = place.newcomer()
    person = place.new_device(name)
    with place.installation.database.writing() as session:
        account = session.exec(select(Account).where(Account.name == name)).one()
        for number in range(MOST_DEVICES - 2):
            session.add(new_device(account=account, name=str(number), kind="thing", now=now()))

    def add() -> httpx.Response:
        body = {"name": "one more", "kind": "thing"}
        auth = (person.user_name, person.password)
        return httpx.post(f"{place.url}/api/v1/devices", json=body, auth=auth, timeout=60)

    said = all_at_once([add] * _AT_ONCE)
    have = place.count(
        "SELECT count(*) FROM device JOIN account ON account.id = device.account_id"
        " WHERE account.name = :name",
        name=name,
    )
    return Seen(have == MOST_DEVICES and said[500] == 0, f"{have} devices; {says(said)}")
