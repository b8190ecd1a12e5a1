"""Two programs talk while something is broken: nothing is lost, nothing doubled, nothing out of
order, and both go on by themselves when it is mended."""

import asyncio
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from chat.models import Account, Device
from chat.topics import down_filter, up
from client import Katydid, Revoked, TakenOver, Unreachable
from client.folder import Folder, read_credential
from mqtt_acl.issuer import credentials_of
from tests.brokers import NewerMosquitto
from tests.client.serving import QUICK, Serving, next_texts, until
from tests.running import Installation

TEXTS = [f"text {number}" for number in range(30)]
BROKEN_SECONDS = 0.6

Break = Callable[[Serving], AsyncIterator[None]]


async def broker_killed(serving: Serving) -> AsyncIterator[None]:
    serving.installation.kill("broker")
    yield
    await asyncio.to_thread(serving.installation.start, "broker")


async def broker_frozen(serving: Serving) -> AsyncIterator[None]:
    serving.installation.process("broker").send_signal(signal.SIGSTOP)
    yield
    serving.installation.process("broker").send_signal(signal.SIGCONT)


async def bridge_killed(serving: Serving) -> AsyncIterator[None]:
    serving.installation.kill("bridge")
    yield
    await asyncio.to_thread(serving.installation.start, "bridge")


async def site_unreachable(serving: Serving) -> AsyncIterator[None]:
    serving.way_to_site.cut()
    yield
    serving.way_to_site.restore()


async def database_locked(serving: Serving) -> AsyncIterator[None]:
    """As one that is gone: nobody can read or write it meanwhile."""
    file = serving.home / "katydid.db"
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


async def network_cut(serving: Serving) -> AsyncIterator[None]:
    serving.network.cut()
    yield
    serving.network.restore()


async def network_frozen(serving: Serving) -> AsyncIterator[None]:
    serving.network.freeze()
    yield
    serving.network.restore()


async def all_at_once(serving: Serving) -> AsyncIterator[None]:
    broken = [network_cut, bridge_killed, site_unreachable]
    faults = [each(serving) for each in broken]
    for fault in faults:
        await anext(fault)
    yield
    for fault in faults:
        await anext(fault, None)


@pytest.mark.parametrize(
    "break_it",
    [
        broker_killed,
        broker_frozen,
        bridge_killed,
        site_unreachable,
        database_locked,
        network_cut,
        network_frozen,
        all_at_once,
    ],
)
async def test_nothing_is_lost_doubled_or_out_of_order(
    serving: Serving, alice: str, bob: str, break_it: Break
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        heard = asyncio.create_task(next_texts(at_bob.messages(), len(TEXTS)))
        await at_alice.send(bob, TEXTS[0])

        async with broken(break_it, serving):
            sending = [asyncio.create_task(at_alice.send(bob, text)) for text in TEXTS[1:-1]]
            await asyncio.sleep(BROKEN_SECONDS)
        await asyncio.gather(*sending)
        last = await at_alice.send(bob, TEXTS[-1])

        assert await heard == TEXTS
        assert last.seq == len(TEXTS)
        assert at_alice.waiting() == []
    assert serving.archived(alice) == TEXTS


async def test_a_receiver_that_was_cut_off_hears_what_it_missed(
    serving: Serving, alice: str, bob: str
) -> None:
    way_around = {"transport": "websocket"}
    async with serving.chat(alice, **way_around) as at_alice, serving.chat(bob) as at_bob:
        heard = asyncio.create_task(next_texts(at_bob.messages(), len(TEXTS)))
        await at_bob.until_online()

        async with broken(network_cut, serving):
            for text in TEXTS:
                await at_alice.send(bob, text)

        assert await heard == TEXTS


async def test_while_the_site_is_dead_all_goes_on_and_what_was_missed_is_fetched_when_it_is_back(
    serving: Serving, alice: str, bob: str
) -> None:
    way_around = {"transport": "websocket"}
    async with serving.chat(alice, **way_around) as at_alice, serving.chat(bob) as at_bob:
        heard = asyncio.create_task(next_texts(at_bob.messages(), len(TEXTS)))
        await at_bob.until_online()
        await at_alice.until_online()

        serving.site.kill()
        try:
            await at_alice.send(bob, TEXTS[0])
            async with broken(network_cut, serving):
                await until("Bob to be offline", lambda: not at_bob.is_online)
                for text in TEXTS[1:]:
                    await at_alice.send(bob, text)
            await at_bob.until_online()
            with pytest.raises(Unreachable):
                await at_bob.history(alice)
            assert not heard.done()
        finally:
            await asyncio.to_thread(serving.site.start)

        assert await heard == TEXTS


@pytest.mark.parametrize("mqtt", ["5", "3.1.1"])
async def test_a_revoked_device_stops_and_says_so(
    serving: Serving, alice: str, bob: str, mqtt: str
) -> None:
    async with serving.chat(alice, mqtt=mqtt) as chat, serving.chat(alice, program="b") as other:
        await chat.until_online()
        hearing = asyncio.create_task(next_texts(chat.messages(), 1))
        [device] = [line.device for line in await chat.devices() if line.current]

        await other.remove_device(device)

        with pytest.raises(Revoked):
            await hearing
        with pytest.raises(Revoked):
            await chat.send(bob, "Can anybody hear me?")
        assert (await other.send(bob, "I can")).seq == 1
    with pytest.raises(Revoked):
        async with serving.chat(alice) as chat:  # nor does the password help
            await chat.until_online()
    async with serving.chat(alice, anew=True) as chat:
        assert (await chat.send(bob, "Here I am again")).seq == 3


async def test_a_device_whose_credential_changed_logs_in_again_where_it_has_the_password(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as chat:
        await chat.until_online()
        [line] = await chat.devices()

        change_credential(serving, line.device)

        await until("it to come back", lambda: new_device(serving, alice) != line.device)
        assert (await chat.send(bob, "Here I am again")).seq == 1
        assert [each.device for each in await chat.devices()] == [new_device(serving, alice)]


async def test_without_the_password_it_stops(serving: Serving, alice: str, bob: str) -> None:
    async with serving.chat(alice):
        pass
    async with serving.chat(alice, password=None) as chat:
        await chat.until_online()
        [line] = await chat.devices()

        change_credential(serving, line.device)

        with pytest.raises(Revoked):
            await chat.send(bob, "Can anybody hear me?")


async def test_two_programs_with_one_credential_do_not_push_each_other_out_for_ever(
    newer_broker: Installation, tmp_path: Path
) -> None:
    """mosquitto 2.0.11 does not say that a session was taken over, 2.1 does."""
    folders = [logged_in(newer_broker, "alice", tmp_path / name) for name in ("one", "two")]
    shutil.copy(folders[0] / "device.json", folders[1] / "device.json")
    one, two = (Katydid("http://127.0.0.1:9", "alice", folder=f, timing=QUICK) for f in folders)

    async with one, two:
        hearing = [asyncio.create_task(next_texts(each.messages(), 1)) for each in (one, two)]
        [stopped], _ = await asyncio.wait(hearing, return_when=asyncio.FIRST_COMPLETED)

        assert isinstance(stopped.exception(), TakenOver)
        still_there = two if stopped is hearing[0] else one
        await still_there.until_online()
        for each in hearing:
            each.cancel()


@pytest.mark.parametrize("mqtt", ["5", "3.1.1"])
async def test_they_do_not_either_where_the_broker_says_nothing(
    serving: Serving, alice: str, bob: str, mqtt: str
) -> None:
    """mosquitto 2.0.11 ends the older connection without a word."""
    async with serving.chat(alice):
        pass
    Folder(serving.folder(alice, "b")).close()
    shutil.copy(serving.folder(alice) / "device.json", serving.folder(alice, "b"))
    one, two = (serving.chat(alice, program=name, mqtt=mqtt) for name in ("a", "b"))

    async with one, two:
        hearing = [asyncio.create_task(next_texts(each.messages(), 1)) for each in (one, two)]
        [stopped], _ = await asyncio.wait(hearing, timeout=30, return_when=asyncio.FIRST_COMPLETED)

        assert isinstance(stopped.exception(), TakenOver)
        still_there = two if stopped is hearing[0] else one
        assert (await still_there.send(bob, "Here I am")).seq == 1
        for each in hearing:
            each.cancel()


async def test_a_connection_that_is_cut_again_and_again_is_not_taken_for_another_program(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as chat:
        for number in range(1, 6):
            await chat.send(bob, f"text {number}")
            async with broken(network_cut, serving):
                await until("it to be offline", lambda: not chat.is_online)

        assert (await chat.send(bob, "Here I am")).seq == 6


@pytest.fixture
def newer_broker(tmp_path: Path) -> Iterator[Installation]:
    """With neither bridge nor site."""
    installation = NewerMosquitto(tmp_path)
    installation.register("alice")
    installation.start("broker")
    yield installation
    installation.stop_all()


def logged_in(installation: Installation, account: str, folder: Path) -> Path:
    """A folder with the credential of a new device, of which no site was asked."""
    credentials, settings = installation.new_device(account), installation.settings
    opened = Folder(folder)
    mqtt = {
        "device": credentials.user_name.partition(".")[2],
        "host": settings.broker_host,
        "port": settings.mqtt_port,
        "tls": False,
        "websocket_url": "",
        "username": credentials.user_name,
        "password": credentials.password,
        "client_id": credentials.user_name,
        "send_topic": up(account, "{to}", "send"),
        "receive_filter": down_filter(account),
    }
    opened.keep_credential({"account": account, "url": "http://127.0.0.1:9", "mqtt": mqtt})
    opened.close()
    return folder


def change_credential(serving: Serving, device: str) -> None:
    """As when its secret was made anew at the server: the device is there, under another secret."""
    installation = serving.installation
    with installation.database.writing() as session:
        found = session.get(Device, device)
        assert found is not None
        found.generation += 1
        session.add(found)
        account = session.get(Account, found.account_id)
        assert account is not None
        credentials = credentials_of(account.name, found, installation.secrets.server_keys)
    installation.issuer.revoke(credentials.user_name)
    installation.issuer.issue(credentials)


def new_device(serving: Serving, account: str) -> str:
    """The device that the account has now."""
    content = read_credential(serving.folder(account))
    assert content is not None
    return str(content["mqtt"]["device"])


@asynccontextmanager
async def broken(break_it: Break, serving: Serving) -> AsyncIterator[None]:
    """Broken inside, mended after."""
    fault = break_it(serving)
    await anext(fault)
    try:
        yield
    finally:
        await anext(fault, None)
