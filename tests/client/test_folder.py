"""The folder of a program: whose it is, and who may use it when."""

from pathlib import Path

import pytest

from client import FolderInUse, FolderNotUsable, FolderOfAnother, LoginRefused, NotLoggedIn
from tests.client.serving import Serving


async def test_two_programs_never_share_a_folder(serving: Serving, alice: str, bob: str) -> None:
    async with serving.chat(alice) as chat:
        with pytest.raises(FolderInUse):
            async with serving.chat(alice):
                pass

        assert (await chat.send(bob, "Still here")).seq == 1


async def test_a_folder_is_of_one_account(serving: Serving, alice: str, bob: str) -> None:
    async with serving.chat(alice):
        pass

    with pytest.raises(FolderOfAnother, match=alice):
        async with serving.chat(bob, folder=serving.folder(alice)):
            pass


async def test_the_password_is_needed_once(serving: Serving, alice: str, bob: str) -> None:
    with pytest.raises(NotLoggedIn):
        async with serving.chat(alice, password=None):
            pass
    with pytest.raises(LoginRefused):
        async with serving.chat(alice, password="not hers at all"):
            pass
    async with serving.chat(alice):
        pass

    async with serving.chat(alice, password=None) as chat:
        assert (await chat.send(bob, "Hello")).seq == 1
    via = serving.folder(alice)
    async with serving.chat(alice, program="b", password=None, via=via) as chat:
        assert (await chat.send(bob, "Hello from another")).seq == 2


async def test_a_folder_that_is_a_file_is_named(
    serving: Serving, alice: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")

    with pytest.raises(FolderNotUsable, match="file cannot be used"):
        async with serving.chat(alice, folder=file):
            pass

    assert file.read_text() == "mine"
