"""A program whose disk is full: it says so, keeps no half of anything, and goes on when there is
room again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.chaos.disk import Disk, NoDisk, small_disk
from client import FolderNotUsable
from client.commands import main
from tests.client.serving import Serving
from tests.conftest import cannot_run
from tests.web.visitor import PASSWORD

# So long that there is no room left over for it in what SQLite has already.
LONG = 4_000 * "x"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        with small_disk(tmp_path / "disk", megabytes=8) as disk:
            yield disk
    except NoDisk as error:
        cannot_run(str(error))


async def test_what_cannot_be_kept_is_not_sent_and_there_is_one_clear_error(
    serving: Serving, alice: str, bob: str, disk: Disk
) -> None:
    folder = disk.folder / "alice"
    async with serving.chat(alice, folder=folder) as chat:
        await chat.send(bob, "before")
        disk.fill()

        with pytest.raises(FolderNotUsable) as refusal:
            await chat.send(bob, LONG)

        assert str(refusal.value) == f"{folder} cannot be used: database or disk is full."
        assert chat.waiting() == []
        disk.empty()
        assert (await chat.send(bob, "after")).seq == 2
    async with serving.chat(alice, folder=folder) as chat:
        assert chat.waiting() == []
        assert (await chat.send(bob, "and again")).seq == 3
    assert serving.archived(alice) == ["before", "after", "and again"]


def test_a_script_is_told_so_in_one_sentence(
    serving: Serving,
    alice: str,
    bob: str,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KATYDID_PASSWORD", PASSWORD)
    base = ["--folder", str(disk.folder / "base")]
    assert main([*base, "login", serving.url, alice]) == 0
    disk.fill()
    capsys.readouterr()

    status = main([*base, "send", bob, LONG])

    assert status == 1
    said = capsys.readouterr().err
    assert said.startswith(f"katydid: {disk.folder / 'base'}")
    assert said.endswith("cannot be used: database or disk is full.\n")
    assert said.count("\n") == 1
    disk.empty()
    assert main([*base, "send", bob, "after"]) == 0
    assert serving.archived(alice) == ["after"]


async def test_a_disk_that_gets_full_while_a_text_is_on_its_way_does_not_double_it(
    serving: Serving, alice: str, bob: str, disk: Disk
) -> None:
    """It is archived, and cannot be taken out of the outbox: nobody knows any more how it ended."""
    folder = disk.folder / "alice"
    async with serving.chat(alice, folder=folder) as chat:
        await chat.until_online()
        serving.network.freeze()
        sending = asyncio.create_task(chat.send(bob, "on its way"))
        await asyncio.sleep(0)
        disk.fill()
        serving.network.restore()

        with pytest.raises(FolderNotUsable, match="disk is full"):
            await sending

        disk.empty()
        with pytest.raises(FolderNotUsable):  # this run has ended with it
            await chat.send(bob, "meanwhile")
    async with serving.chat(alice, folder=folder) as chat:
        await chat.send(bob, "after")
        assert chat.waiting() == []
    assert serving.archived(alice) == ["on its way", "meanwhile", "after"]


async def test_a_first_login_without_room_is_one_clear_error_and_can_be_tried_again(
    serving: Serving, alice: str, bob: str, disk: Disk
) -> None:
    folder = disk.folder / "alice"
    disk.fill()
    with pytest.raises(FolderNotUsable, match=f"{folder} cannot be used: .*full"):
        async with serving.chat(alice, folder=folder):
            pass

    disk.empty()

    async with serving.chat(alice, folder=folder) as chat:
        assert (await chat.send(bob, "Hello")).seq == 1
