"""Server key and passwords are changed while people write, and what is old holds no more at the
end."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from chat.secrets import ADMIN_PASSWORD, BRIDGE_PASSWORD, Secrets, load_secrets, passwords_in
from chat.user_names import ADMIN, bridge_user_name
from mqtt_acl.issuer import Credentials
from tests.cluster.running_cluster import RunningCluster
from tests.cluster.troubling import converse, until_all_hear_again
from tests.conversing import Talker, assert_nothing_lost_or_doubled
from tests.end_to_end.person import Person
from tests.mqtt import Client
from tests.running import wait_until

WITH_SERVER_KEY = ("door-1", "door-2", "web-1", "web-2", "push")


def rotate(cluster: RunningCluster, *words: str) -> None:
    done = cluster.run("rotate", *words)
    assert done.returncode == 0, done.stderr
    cluster.secrets = load_secrets(cluster.settings)


async def rotate_while_they_write(
    cluster: RunningCluster, talkers: list[Talker], *words: str
) -> None:
    await asyncio.to_thread(rotate, cluster, *words)
    await until_all_hear_again(talkers)


def is_let_in(cluster: RunningCluster, user_name: str, password: str) -> bool:
    client = Client(cluster.settings, Credentials("", user_name, password)).connect()
    client.close()
    return not client.connect_reason.is_failure


def admin_is_let_in(cluster: RunningCluster, password: str) -> bool:
    """At each of the nodes."""
    answers = {
        httpx.get(
            f"http://127.0.0.1:{cluster.ports[f'rabbitmq-{n}-management']}/api/whoami",
            auth=(ADMIN, password),
            timeout=10,
        ).status_code
        for n in (1, 2, 3)
    }
    assert len(answers) == 1
    return answers == {200}


def test_the_bridges_password_is_changed_while_people_write(cluster: RunningCluster) -> None:
    before = cluster.secrets.bridge_password
    sessions = cluster.log("bridge-1").count('"session open"')

    async def change(talkers: list[Talker]) -> None:
        await rotate_while_they_write(cluster, talkers, "bridge-password")
        await rotate_while_they_write(cluster, talkers, "bridge-password", "--retire")

    talkers = converse(cluster, change)

    assert_nothing_lost_or_doubled(cluster, talkers)
    assert cluster.log("bridge-1").count('"session open"') >= sessions + 8
    assert not is_let_in(cluster, bridge_user_name(3), before)
    folder = cluster.settings.secrets_dir
    assert passwords_in(folder, BRIDGE_PASSWORD) == [cluster.secrets.bridge_password] != [before]


def test_a_bridge_comes_in_with_either_password_until_the_one_before_is_retired(
    cluster: RunningCluster,
) -> None:
    before = cluster.secrets.bridge_password

    rotate(cluster, "bridge-password")

    # Each takes the session of a shard from its bridge for a moment.
    assert is_let_in(cluster, bridge_user_name(3), before)
    assert is_let_in(cluster, bridge_user_name(3), cluster.secrets.bridge_password)
    rotate(cluster, "bridge-password", "--retire")
    assert not is_let_in(cluster, bridge_user_name(3), before)
    cluster.wait_until_ready()


def test_the_admins_password_is_changed_while_all_goes_on(
    cluster: RunningCluster, alice: Person, bob: Person
) -> None:
    before = cluster.secrets.admin_password

    rotate(cluster, "admin-password")
    after = cluster.secrets.admin_password
    assert (admin_is_let_in(cluster, before), admin_is_let_in(cluster, after)) == (True, False)
    assert cluster.management_as_a_program("/whoami")["name"] == ADMIN
    rotate(cluster, "admin-password", "--retire")

    assert (admin_is_let_in(cluster, before), admin_is_let_in(cluster, after)) == (False, True)
    assert passwords_in(cluster.settings.secrets_dir, ADMIN_PASSWORD) == [after]
    # Doors ask what the broker keeps, sites have it cut off whom they revoke: with the new one.
    alice.talk_to(bob).write("Are we alone?")
    bob.open(alice).sees("Are we alone?")
    device = cluster.new_device(alice.account)
    with Client(cluster.settings, device) as client:
        answer = httpx.delete(
            f"{cluster.url}/api/v1/devices/{device.user_name.partition('.')[2]}",
            auth=(device.user_name, device.password),
            timeout=10,
        )
        assert answer.status_code == 204
        wait_until("the cut", lambda: client.disconnect_reason is not None)
    # So does who watches over the nodes, who ends one that refuses it five times, 10 s in all.
    assert "is ended" not in cluster.log("rabbitmq-watch")


def test_the_server_key_is_changed_while_people_write_and_ends(
    cluster: RunningCluster, alice: Person, bob: Person
) -> None:
    def converse_while_changing(*words: str) -> None:
        """In another thread: in this one, the browser has its event loop."""
        with ThreadPoolExecutor(1) as thread:
            talkers = thread.submit(converse, cluster, changing(*words)).result()
        assert_nothing_lost_or_doubled(cluster, talkers)

    def changing(*words: str) -> Callable[[list[Talker]], Awaitable[None]]:
        async def change(talkers: list[Talker]) -> None:
            parts = {part: cluster.process_of(part) for part in WITH_SERVER_KEY}
            await rotate_while_they_write(cluster, talkers, *words)
            for part, process in parts.items():
                await asyncio.to_thread(
                    wait_until, f"another {part}", lambda p=part, n=process: is_another(p, n)
                )
            await asyncio.to_thread(cluster.wait_until_ready)
            await asyncio.to_thread(cluster.wait_until_well, *WITH_SERVER_KEY[:4])
            await until_all_hear_again(talkers)

        return change

    def is_another(part: str, process: int) -> bool:
        return cluster.process_of(part) != process

    old = cluster.new_device(alice.account)
    before: Secrets = cluster.secrets

    converse_while_changing("server-key")

    assert cluster.secrets.old_keys_for("web push") == [before.key_for("web push")]
    assert is_let_in(cluster, old.user_name, old.password)
    assert cluster.run("rotate", "--retire").returncode == 1
    alice.page.reload()
    alice.talk_to(bob).write("Nobody is logged out")
    bob.open(alice).sees("Nobody is logged out")

    converse_while_changing("server-key", "--retire", "--cut-off")

    assert cluster.secrets.old_keys_for("web push") == []
    assert not is_let_in(cluster, old.user_name, old.password)
    new = cluster.new_device(alice.account)
    assert is_let_in(cluster, new.user_name, new.password)
    cluster.wait_until_well("rabbitmq-1", "rabbitmq-2", "rabbitmq-3")
