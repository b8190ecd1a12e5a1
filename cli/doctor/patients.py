"""Two devices of the doctor's own accounts, made for the time of an examination.

As the site does it, and whatever `KATYDID_REGISTRATION` says: the broker is told first, then SQL.
However the examination ends, both are cut off and forgotten, and the accounts are nobody again;
what a doctor left who was killed, the next one takes away (`chat/doctor_accounts.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from chat.database import Database
from chat.devices import new_device, remove_device
from chat.doctor_accounts import (
    close_doctor_accounts,
    devices_left_behind,
    open_doctor_accounts,
)
from chat.errors import BrokerUnreachable
from chat.secrets import Secrets
from chat.times import now
from chat.user_names import device_user_name
from cli.doctor.interrupting import not_interrupted
from cli.doctor.mqtt import Credential
from mqtt_acl.issuer import Issuer, credentials_of


class Patients:
    """The two devices; `revoke` ends one before its time."""

    def __init__(self, database: Database, issuer: Issuer, secrets: Secrets) -> None:
        self._database, self._issuer, self._secrets = database, issuer, secrets
        self.devices: list[Credential] = []
        # Why the broker does not take their credentials; they may be let in all the same.
        self.problem: str | None = None

    def add(self) -> None:
        """Both accounts, and a device of each."""
        for owner, device_id in self._left_behind():
            self.revoke(device_user_name(owner, device_id))
        with self._database.writing() as session:
            accounts = open_doctor_accounts(session, now())
        for account in accounts:
            keys = self._secrets.server_keys
            device = new_device(
                account=account,
                name="Doctor",
                kind="thing",
                now=now(),
                generation=keys.since,
            )
            issued = credentials_of(account.name, device, keys)
            # Before it is done: who is interrupted in between has it in the list of what must go.
            self.devices.append(Credential(account.name, issued.user_name, issued.password))
            self._tell(partial(self._issuer.issue, issued))
            with self._database.writing() as session:
                session.add(device)

    def revoke(self, user_name: str) -> None:
        """Cut one off, in the order in which the site does so."""
        self._tell(partial(self._issuer.revoke, user_name))
        with self._database.writing() as session:
            remove_device(session, user_name.partition(".")[2])
        self._tell(partial(self._issuer.revoke, user_name))

    def remove(self) -> None:
        """As if no doctor had been here."""
        for device in self.devices:
            self.revoke(device.user_name)
        close_doctor_accounts(self._database, now())

    def _tell(self, change: Callable[[], None]) -> None:
        """A broker that did not take one change is not asked for another: each time would take
        seconds. It hears of all from SQL when it starts."""
        if self.problem is None:
            try:
                change()
            except BrokerUnreachable as error:
                self.problem = error.problem

    def _left_behind(self) -> Sequence[tuple[str, str]]:
        with self._database.reading() as session:
            return devices_left_behind(session, now())


@contextmanager
def two_patients(database: Database, issuer: Issuer, secrets: Secrets) -> Iterator[Patients]:
    """Both, until it ends, in whatever way. Raises NameOfADoctorTaken and SQLAlchemyError."""
    patients = Patients(database, issuer, secrets)
    try:
        patients.add()
        yield patients
    finally:
        with not_interrupted():
            patients.remove()
