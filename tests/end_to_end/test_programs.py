"""Things and scripts beside the browsers: mosquitto_pub and mosquitto_sub, MQTT 5 and 3.1.1."""

import json
import shlex
import subprocess

import pytest
from playwright.sync_api import expect

from tests.conftest import needs
from tests.end_to_end.person import Person
from tests.end_to_end.program import Program
from tests.end_to_end.running_up import Up

VERSIONS = ["mqttv5", "mqttv311"]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_mosquitto_pub_sends_reaches_the_browser(
    katydid: Up, alice: Person, bob: Person, version: str
) -> None:
    sensor = Program(katydid.url, bob, version=version)

    sensor.send(alice, "It is 21 °C", json.dumps({"id": "1", "text": "It is 22 °C"}))

    alice.open(bob).sees("It is 21 °C", "It is 22 °C")
    bob.open(alice).sees("It is 21 °C", "It is 22 °C")


@pytest.mark.parametrize("version", VERSIONS)
def test_mosquitto_sub_prints_what_the_browser_sends(
    katydid: Up, alice: Person, bob: Person, version: str
) -> None:
    sensor = Program(katydid.url, bob, version=version)
    sensor.subscribe()

    alice.talk_to(bob).write("Lights on, please")
    alice.sees_state("Lights on, please", "delivered")

    topic, payload = sensor.next_heard()
    message = json.loads(payload)
    assert topic == f"chat/v1/down/{bob.account}/message"
    assert message["from"] == alice.account
    assert message["text"] == "Lights on, please"
    assert message["seq"] == 1


def test_the_lines_shown_in_the_settings_work_as_they_are(alice: Person, bob: Person) -> None:
    needs("mosquitto_pub")
    bob.visit("/settings")
    bob.page.get_by_label("Name", exact=True).fill("Garden sensor")
    bob.page.get_by_role("button", name="Add").click()
    line = bob.page.locator("[data-credential-dialog] [data-part=publish]")
    expect(line).to_be_visible()

    words = shlex.split(line.inner_text().replace("{to}", alice.account))
    subprocess.run(words, check=True, timeout=30)

    alice.open(bob).sees("Hello")
    expect(alice.messages).to_have_count(1)
