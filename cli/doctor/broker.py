"""The broker, as devices meet it: it lets in whom it should, and nobody does what he must not; a
message goes all the way; who is revoked is out at once.

Tried with two devices of the doctor's own accounts (`patients.py`).
"""

import secrets
import time
from collections.abc import Iterator

from chat.topics import down_filter, up
from cli.doctor.findings import Finding, ok, skipped, wrong
from cli.doctor.installation import Installation
from cli.doctor.mqtt import FAILURE, VERSIONS, Connection, Credential, NoAnswer, Place, Refused
from cli.doctor.patients import Patients, two_patients
from cli.doctor.trespassing import foreign_publications, foreign_subscriptions, without_right
from mqtt_acl.issuers import issuer_for

REVOKED_WITHIN_SECONDS = 1.0
_ARCHIVED_WITHIN_SECONDS = 10.0
_OPEN = (
    "Until it does, everybody can read or forge what others write. Run it with the lines of"
    " mosquitto.conf (or deploy/rabbitmq.conf), and start ./katydid up, which tells it all rights."
)


def check_broker(installation: Installation) -> Iterator[Finding]:
    """All that needs a device; skipped where none can be made."""
    place = installation.broker
    if not installation.broker_listens:
        yield _not_reached(installation, place)
        return
    if installation.secrets is None or not installation.has_tables:
        yield skipped("broker", "It listens; without secrets and tables nothing more can be tried.")
        return
    issuer = issuer_for(installation.settings, installation.secrets)
    try:
        with two_patients(installation.database, issuer, installation.secrets) as patients:
            yield from _with(installation, patients)
    finally:
        issuer.close()


def _not_reached(installation: Installation, place: Place) -> Finding:
    if not installation.should_run:
        return skipped("broker", "It does not run.")
    return wrong(
        "broker",
        f"Nobody listens at {place}: no device comes in, and no message goes.",
        f"See why in {installation.settings.logs_dir}/broker.log, and whether KATYDID_MQTT_HOST and"
        " KATYDID_MQTT_PORT are right. What was written waits with its senders.",
    )


def _with(installation: Installation, patients: Patients) -> Iterator[Finding]:
    doctor, patient = patients.devices
    if patients.problem is not None:
        yield wrong(
            "broker",
            f"It cannot be told who may do what: {patients.problem}.",
            "It needs its dynamic-security plugin and a client _admin whose password is that of"
            " secrets/admin_password (RabbitMQ: its management API); see docs/operations.md.",
        )
        yield from _permissions(installation.broker, doctor, patient, may_enter=False)
        return
    doors = list(_doors(installation, doctor))
    yield from doors
    if any(door.level == "wrong" for door in doors):
        return
    yield from _permissions(installation.broker, doctor, patient, may_enter=True)
    yield from _message(installation, doctor, patient)
    yield _revocation(installation.broker, patients, patient)


def _doors(installation: Installation, device: Credential) -> Iterator[Finding]:
    """Each way in."""
    for place in (installation.broker, installation.broker_for_browsers):
        for version in VERSIONS:
            connection = Connection(place, device, version=version)
            try:
                with connection:
                    granted = connection.subscribe(down_filter(device.account)) < FAILURE
                problem = None if granted else "It refuses a device its own topics."
            except (Refused, NoAnswer) as error:
                problem = str(error)
            except OSError as error:
                problem = f"It does not take connections: {error}."
            if problem is None:
                yield ok("broker", f"MQTT {version} at {place}: a device comes in.")
            else:
                yield wrong(
                    "broker",
                    f"MQTT {version} at {place}: {problem}",
                    "See that the broker has this listener (mosquitto.conf, deploy/rabbitmq.conf)"
                    " and what its log says.",
                )


def _permissions(
    place: Place, doctor: Credential, patient: Credential, *, may_enter: bool
) -> Iterator[Finding]:
    """Without rights of their own, the devices are at a closed door; an open one is a finding."""
    allowed = list(without_right(place, doctor, patient))
    if may_enter:
        allowed += foreign_subscriptions(place, doctor, patient)
        allowed += foreign_publications(place, doctor, patient)
    for trespass in allowed:
        yield wrong("permissions", f"The broker {trespass}.", _OPEN)
    if may_enter and not allowed:
        yield ok("permissions", "All was refused that a device must not do, MQTT 5 and 3.1.1.")


def _message(
    installation: Installation, doctor: Credential, patient: Credential
) -> Iterator[Finding]:
    """From one to the other, through bridge and archive."""
    if not installation.bridges:
        if installation.should_run:
            yield wrong(
                "message",
                "No bridge runs, so nothing is archived or delivered.",
                f"See why in {installation.settings.logs_dir}/bridge.log, or start one. What is"
                " written meanwhile waits at the broker.",
            )
        else:
            yield skipped("message", "No bridge runs.")
        return
    id = f"doctor-{secrets.token_hex(8)}"
    with (
        Connection(installation.broker, doctor) as sender,
        Connection(installation.broker_for_browsers, patient, version="3.1.1") as receiver,
    ):
        sender.subscribe(down_filter(doctor.account))
        receiver.subscribe(down_filter(patient.account))
        began = time.monotonic()
        payload = {"id": id, "text": "Say aah."}
        sender.publish(up(doctor.account, patient.account, "send"), payload)
        try:
            for each in (sender, receiver):
                each.hear(
                    "message",
                    lambda record: record["id"] == id,
                    within_seconds=_ARCHIVED_WITHIN_SECONDS,
                )
        except NoAnswer:
            yield wrong(
                "message",
                f"What one device wrote to another has not arrived for"
                f" {_ARCHIVED_WITHIN_SECONDS:.0f} s, though a bridge runs.",
                f"See {installation.settings.logs_dir}/bridge.log: a database that takes nothing,"
                " or a shard without a session. The message waits at the broker.",
            )
            return
        took_ms = (time.monotonic() - began) * 1000
    yield ok("message", f"One was archived, and delivered to both, within {took_ms:.0f} ms.")


def _revocation(place: Place, patients: Patients, device: Credential) -> Finding:
    with Connection(place, device) as connection:
        patients.revoke(device.user_name)
        is_out = connection.is_cut_within(REVOKED_WITHIN_SECONDS)
    again = Connection(place, device)
    try:
        comes_back = again.is_let_in()
    except NoAnswer:
        comes_back = False
    finally:
        again.close()
    if is_out and not comes_back:
        return ok("permissions", "A revoked device was cut off at once, and stays out.")
    says = "comes in again" if comes_back else "was not cut off within a second"
    return wrong("permissions", f"A revoked device {says}.", _OPEN)
