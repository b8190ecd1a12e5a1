"""Who has MQTT alone can read all of a long conversation, in both directions, with any client.

The server's limits are on: each page is asked for until it is answered, as docs/protocol.md says.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chat.topics import down, down_filter, up
from mqtt_acl.issuer import Credentials
from tests.archives import fill_conversation
from tests.conftest import needs
from tests.mqtt import MQTT_3, MQTT_5, Client
from tests.running import Installation, wait_until

MESSAGES = 10_000
ALL = list(range(1, MESSAGES + 1))
# Page by page, as fast as it is answered, comes to more than this.
LIMITS = {"KATYDID_RATE_PER_SECOND": "300", "KATYDID_RATE_BURST": "50"}
# Into a file, the C library would write them by the block.
LINE_BY_LINE = ("stdbuf", "-oL")
Page = dict[str, Any]
# Asks for a page, and answers it, or None where the server would not give one just now.
Ask = Callable[[dict[str, Any]], Page | None]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    needs("mosquitto")
    installation = Installation(tmp_path_factory.mktemp("installation"), **LIMITS)
    with installation.database.writing() as session:
        fill_conversation(session, "alice", "bob", MESSAGES)
    installation.start("broker", "bridge")
    time.sleep(1)  # what comes right after a start may have piled up before it
    yield installation
    installation.stop_all()


# A client of any kind goes through the pages like this.


def read_all(ask: Ask, *, newest_first: bool) -> list[int]:
    """Every `seq` of the conversation, in the order in which a reader would have it at the end."""
    pages: list[list[int]] = []
    question: dict[str, Any] = {"limit": 200} if newest_first else {"limit": 200, "after": 0}
    more = True
    while more:
        page = until_answered(ask, {**question, "request": f"page-{len(pages)}"})
        seqs = [message["seq"] for message in page["messages"]]
        pages.append(seqs)
        more = page["more"]
        question = {"limit": 200, **({"before": seqs[0]} if newest_first else {"after": seqs[-1]})}
    in_order = pages[::-1] if newest_first else pages
    return [seq for page in in_order for seq in page]


def until_answered(ask: Ask, question: dict[str, Any]) -> Page:
    """Refused for its haste, a client waits, and asks the same again."""
    wait_seconds = 0.1
    while (page := ask(question)) is None:
        time.sleep(wait_seconds)
        wait_seconds *= 2
    assert page["request"] == question["request"]
    return page


# paho, on both versions.


def asking_by_paho(client: Client, topic: str) -> Ask:
    def ask(question: dict[str, Any]) -> Page | None:
        client.begin_publishing(topic, question)
        answer = client.next_message()
        value: dict[str, Any] = json.loads(answer.payload)
        if answer.topic.endswith("/error"):
            assert (value["reason"], value["id"]) == ("rate-limited", question["request"])
            return None
        return value

    return ask


@pytest.mark.parametrize(
    ("account", "peer", "protocol"),
    [("alice", "bob", MQTT_5), ("bob", "alice", MQTT_3)],
    ids=["mqtt5", "mqtt311"],
)
def test_all_of_it_is_read_once_and_in_order_in_both_directions(
    installation: Installation, account: str, peer: str, protocol: int
) -> None:
    device = installation.new_device(account)
    with Client(installation.settings, device, protocol=protocol) as client:
        client.subscribe(down_filter(account))
        ask = asking_by_paho(client, up(account, peer, "history"))

        assert read_all(ask, newest_first=True) == ALL
        assert read_all(ask, newest_first=False) == ALL


# mosquitto's own programs.


def words_for(installation: Installation, device: Credentials, version: str) -> list[str]:
    return [
        *("-V", version, "-h", "127.0.0.1", "-p", str(installation.settings.mqtt_port)),
        *("-i", device.user_name, "-u", device.user_name, "-P", device.password, "-q", "1"),
    ]


def test_mosquitto_rr_reads_all_of_it_by_response_topics(installation: Installation) -> None:
    command = [
        *(needs("mosquitto_rr"), *words_for(installation, installation.new_device("alice"), "5")),
        *("-t", up("alice", "bob", "history"), "-e", down("alice", "pages"), "-W", "2"),
    ]

    def ask(question: dict[str, Any]) -> Page | None:
        asked = subprocess.run(
            [*command, "-m", json.dumps(question)], capture_output=True, timeout=30, check=False
        )
        page: Page | None = json.loads(asked.stdout) if asked.stdout else None
        return page

    assert read_all(ask, newest_first=False) == ALL


def test_mosquitto_sub_and_pub_read_all_of_it_on_mqtt_3_1_1(
    installation: Installation, tmp_path: Path
) -> None:
    program = needs("mosquitto_pub")
    asking = words_for(installation, installation.new_device("bob"), "mqttv311")

    with heard_by_mosquitto_sub(installation, tmp_path / "heard") as heard:

        def ask(question: dict[str, Any]) -> Page | None:
            before = len(heard())
            words = ("-t", up("bob", "alice", "history"), "-m", json.dumps(question))
            subprocess.run([program, *asking, *words], timeout=30, check=True)
            wait_until("an answer", lambda: len(heard()) > before)
            answer: dict[str, Any] = json.loads(heard()[before])
            return None if "reason" in answer else answer

        assert read_all(ask, newest_first=True) == ALL


@contextmanager
def heard_by_mosquitto_sub(
    installation: Installation, file: Path
) -> Iterator[Callable[[], list[bytes]]]:
    """What a second device of Bob's hears meanwhile, line by line."""
    words = words_for(installation, installation.new_device("bob"), "mqttv311")
    with file.open("wb") as output:
        listening = subprocess.Popen(
            [*LINE_BY_LINE, needs("mosquitto_sub"), *words, "-d", "-t", down_filter("bob")],
            stdout=output,
        )

    def heard() -> list[bytes]:
        whole = file.read_bytes().rpartition(b"\n")[0]
        return [line for line in whole.splitlines() if line.startswith(b"{")]

    try:
        wait_until("the subscription", lambda: b"received SUBACK" in file.read_bytes())
        yield heard
    finally:
        listening.terminate()
        listening.wait(timeout=15)
