"""`python -m bench.chaos.plain ROLE`: publishers that hand over a text at QoS 1 and forget it, as
`mosquitto_pub` does and a sensor might: no outbox, no id. What they lose is counted, not judged."""

import sys
import threading
import time
from queue import SimpleQueue

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.chaos.ledger import (
    ACKNOWLEDGED,
    BEGUN,
    HANDED_OVER,
    OFFERED,
    SETTLED,
    Ledger,
    next_number,
    text_of,
)
from bench.chaos.role import Role, role_from
from bench.people import Person

_ANSWERED_WITHIN_SECONDS = 20.0
_FIRST_AGAIN_SECONDS, _LAST_AGAIN_SECONDS = 1, 4


def main(file: str) -> None:
    """Until it is ended."""
    role = role_from(file)
    ledger = Ledger(role.ledger_file)
    publishers = [
        _Publisher(role, ledger, person, peer)
        for person, peer in zip(role.people, role.peers, strict=True)
    ]
    threads = [threading.Thread(target=each.publish_all) for each in publishers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while True:
        time.sleep(60)


class _Publisher:
    """One account with one connection."""

    def __init__(self, role: Role, ledger: Ledger, person: Person, peer: str) -> None:
        self._role, self._ledger = role, ledger
        self._account, self._peer = person.account, peer
        self._topic = person.send_topic.replace("{to}", peer)
        # packet id → text; and the packet ids that were answered, each with whether it was taken.
        # Answers come in paho's thread, which holds locks that a publish waits for.
        self._unanswered: dict[int, str] = {}
        self._answers: SimpleQueue[tuple[int, bool]] = SimpleQueue()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=person.user_name, protocol=paho.MQTTv5
        )
        self._client.username_pw_set(person.user_name, person.password)
        self._client.reconnect_delay_set(_FIRST_AGAIN_SECONDS, _LAST_AGAIN_SECONDS)
        self._client.on_publish = self._take_answer
        self._client.connect_async(person.host, person.port, keepalive=10)

    def publish_all(self) -> None:
        """One after the other, as long as it is not enough; then until each was answered."""
        number = next_number(self._role.ledger_file, self._account, self._peer)
        self._ledger.note(BEGUN, self._account, self._peer)
        self._client.loop_start()
        while not self._role.signs.may_begin():
            time.sleep(0.1)
        while not self._role.signs.is_enough():
            time.sleep(self._role.every_seconds)
            self._note_answers()
            if self._client.is_connected():  # without a network, mosquitto_pub says no as well
                self._publish(text_of(self._account, number))
                number += 1
        deadline = time.monotonic() + _ANSWERED_WITHIN_SECONDS
        while self._unanswered and time.monotonic() < deadline:
            time.sleep(0.1)
            self._note_answers()
        self._ledger.note(SETTLED, self._account, self._peer)

    def _publish(self, text: str) -> None:
        self._ledger.note(OFFERED, self._account, self._peer, text=text)
        handed_over = self._client.publish(self._topic, text, qos=1)
        self._unanswered[handed_over.mid] = text
        if handed_over.rc == paho.MQTT_ERR_SUCCESS:
            self._ledger.note(HANDED_OVER, self._account, self._peer, text=text)

    def _take_answer(
        self, _client: object, _data: object, packet_id: int, reason: object, _properties: object
    ) -> None:
        self._answers.put((packet_id, not getattr(reason, "is_failure", False)))

    def _note_answers(self) -> None:
        while not self._answers.empty():
            packet_id, was_taken = self._answers.get()
            text = self._unanswered.pop(packet_id, None)
            if text is not None and was_taken:
                self._ledger.note(ACKNOWLEDGED, self._account, self._peer, text=text)


if __name__ == "__main__":
    main(sys.argv[1])
