"""All that a device must not be able to do at the broker, tried for real.

Each attempt answers what the broker allowed; nothing, where it is as it should be. Whether
something that a broker silently drops has come through is heard by the device it was meant for.
"""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from chat.topics import down, down_filter, up
from cli.doctor.mqtt import (
    FAILURE,
    VERSIONS,
    Connection,
    Credential,
    NoAnswer,
    Place,
    Refused,
    Version,
)

# For what was dropped there is no answer to wait for; what came through is there in a few ms.
_HEARD_WITHIN_SECONDS = 0.5


def foreign_filters(other: str) -> tuple[str, ...]:
    """What nobody but the bridge, or the other, may subscribe to."""
    return (
        "#",
        "+/+/+/+/+/+/+",
        "chat/v1/up/#",
        "chat/v1/down/#",
        "chat/v1/down/+/message",
        down_filter(other),
        down(other, "message"),
        "$SYS/#",
        "$share/doctor/chat/v1/up/#",
        "$CONTROL/dynamic-security/#",
    )


def foreign_topics(own: str, other: str) -> tuple[str, ...]:
    """Where nobody but the bridge, or the other, may publish."""
    return (
        down(other, "message"),
        down(own, "message"),
        up(other, own, "send"),
        "$CONTROL/dynamic-security/v1",
        "doctor",
    )


def without_right(place: Place, device: Credential, other: Credential) -> Iterator[str]:
    """Ways in that were open: without a credential, with a wrong one, as somebody else."""
    ways: dict[str, tuple[Credential | None, str]] = {
        "lets in who has no credential": (None, "doctor-without-credential"),
        "lets in who has a wrong password": (
            replace(device, password=secrets.token_urlsafe(32)),
            device.user_name,
        ),
        "lets a device use another's client id, with which it gets that one's messages": (
            device,
            other.user_name,
        ),
    }
    attempts = [(version, words) for version in VERSIONS for words in ways]

    def is_let_in(attempt: tuple[Version, str]) -> bool:
        credential, client_id = ways[attempt[1]]
        return _is_let_in(Connection(place, credential, version=attempt[0], client_id=client_id))

    # At once, for RabbitMQ takes 3 s for each refusal.
    with ThreadPoolExecutor(len(attempts)) as threads:
        for (version, words), let_in in zip(
            attempts, threads.map(is_let_in, attempts), strict=True
        ):
            if let_in:
                yield f"{words} (MQTT {version})"


def foreign_subscriptions(place: Place, device: Credential, other: Credential) -> Iterator[str]:
    """Filters of others that were granted."""
    for version in VERSIONS:
        for topic_filter in foreign_filters(other.account):
            try:
                # One connection each: some brokers end it where others refuse.
                with Connection(place, device, version=version) as connection:
                    granted = connection.subscribe(topic_filter) < FAILURE
            except (Refused, NoAnswer):
                granted = False
            if granted:
                yield f"lets a device subscribe to {topic_filter} (MQTT {version})"


def foreign_publications(place: Place, device: Credential, other: Credential) -> Iterator[str]:
    """What was taken, or reached the other, of what only the bridge or the other may publish."""
    told = f"forged {secrets.token_hex(8)}"
    with Connection(place, other) as victim:
        victim.subscribe(down_filter(other.account))
        for topic in foreign_topics(device.account, other.account):
            try:
                with Connection(place, device) as intruder:
                    taken = intruder.publish(topic, told) < FAILURE
            except (Refused, NoAnswer):
                taken = False
            if taken:
                yield f"takes what a device publishes to {topic} (MQTT 5)"
        _publish_by_311(place, device, down(other.account, "message"), told)
        _leave_a_will(place, device, down(other.account, "message"), told)
        try:
            victim.hear(
                "message",
                lambda heard: heard == told.encode(),
                within_seconds=_HEARD_WITHIN_SECONDS,
            )
        except NoAnswer:
            return
        yield "hands on what a device publishes to another's topics, or leaves there as its will"


def _publish_by_311(place: Place, device: Credential, topic: str, told: str) -> None:
    """MQTT 3.1.1 knows no refusal: it is dropped without a word, or is not."""
    try:
        with Connection(place, device, version="3.1.1") as intruder:
            intruder.publish(topic, told)
    except (Refused, NoAnswer):
        return


def _leave_a_will(place: Place, device: Credential, topic: str, told: str) -> None:
    try:
        with Connection(place, device, will=(topic, told.encode())) as intruder:
            intruder.break_off()
    except (Refused, NoAnswer):
        return


def _is_let_in(connection: Connection) -> bool:
    try:
        return connection.is_let_in()
    except NoAnswer:
        return False
    finally:
        connection.close()
