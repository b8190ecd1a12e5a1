"""Two people talk through a whole cluster, whichever parts of it they are led to."""

import json
from collections.abc import Callable

import httpx
import pytest

from tests.cluster.running_cluster import RunningCluster
from tests.end_to_end.person import Person
from tests.end_to_end.program import Program
from tests.running import wait_until


def node_of(cluster: RunningCluster, person: Person) -> str:
    """The one node that the person's browser is connected to."""
    wait_until(f"{person.account} to be at a node", lambda: cluster.nodes_of(person.account))
    [node] = cluster.nodes_of(person.account)
    return node


def test_two_people_at_different_nodes_talk_and_find_it_after_a_reload(
    cluster: RunningCluster, alice: Person, bob: Person, tell: Callable[[str], None]
) -> None:
    tell(f"cluster, from the command to a served page: {cluster.seconds_to_start:.1f} s")
    assert node_of(cluster, alice) != node_of(cluster, bob)

    alice.talk_to(bob).write("Do you hear them tonight?")
    bob.open(alice).write("All night long.")
    alice.sees("Do you hear them tonight?", "All night long.")
    alice.sees_state("Do you hear them tonight?", "read")

    for person in (alice, bob):
        person.page.reload()
        person.sees("Do you hear them tonight?", "All night long.")


@pytest.mark.parametrize("version", ["mqttv5", "mqttv311"])
def test_programs_and_browsers_talk_too(
    cluster: RunningCluster, alice: Person, bob: Person, version: str
) -> None:
    sensor, display = (Program(cluster.url, bob, version=version) for _ in range(2))
    display.subscribe()

    sensor.send(alice, "It is 21 °C")
    alice.open(bob).write("Thank you")

    alice.sees("It is 21 °C", "Thank you")
    bob.open(alice).sees("It is 21 °C", "Thank you")
    topic, payload = display.next_heard()
    assert topic == f"chat/v1/down/{bob.account}/message"
    assert json.loads(payload)["text"] == "It is 21 °C"


def test_all_nodes_are_one_cluster_and_all_parts_are_used(cluster: RunningCluster) -> None:
    states = cluster.states()

    assert [node["running"] for node in cluster.management("/nodes")] == [True] * 3
    parts = [f"rabbitmq-{n}" for n in (1, 2, 3)] + ["web-1", "web-2", "door-1", "door-2"]
    assert {part: states[part] for part in parts} == dict.fromkeys(parts, "UP")
    shards = dict(cluster.rows("SELECT split_part(worker, '/', 1), count(*) FROM shard GROUP BY 1"))
    assert shards == {"bridge-1": 8, "bridge-2": 8}


def test_who_is_at_a_node_that_is_killed_goes_on_at_another(
    cluster: RunningCluster, alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("Before")
    bob.open(alice).sees("Before")
    node = node_of(cluster, alice)

    cluster.kill(node)
    alice.write("Meanwhile")

    bob.sees("Before", "Meanwhile")
    alice.sees_state("Meanwhile", "read")
    cluster.wait_until_well(node)


def test_nobody_is_led_to_parts_that_are_frozen(
    cluster: RunningCluster, new_person: Callable[[str], Person]
) -> None:
    frozen = ("web-1", "door-1", "bridge-1")
    for part in frozen:
        cluster.freeze(part)
    try:
        cluster.wait_until_left("web-1", "door-1")

        alice, bob = new_person("alice"), new_person("bob")
        alice.talk_to(bob).write("Hello")
        bob.open(alice).sees("Hello")
    finally:
        for part in frozen:
            cluster.thaw(part)
    cluster.wait_until_well("web-1", "door-1")


def test_pages_are_shown_while_no_bridge_is_there(cluster: RunningCluster) -> None:
    frozen = ("bridge-1", "bridge-2", "web-1")
    for part in frozen:
        cluster.freeze(part)
    try:
        cluster.wait_until_left("web-1", "web-2", "web-1-anyway")

        answers = [httpx.get(f"{cluster.url}/login", timeout=15).status_code for _ in range(4)]

        assert answers == [200] * 4
        assert not cluster.is_ready()
    finally:
        for part in frozen:
            cluster.thaw(part)
    cluster.wait_until_well("web-1", "web-2", "web-1-anyway")
