"""The terminal chat, driven by keys, against a real server."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from client import Katydid
from client.terminal import Terminal
from client.terminal.writing import Writing
from tests.client.serving import Serving, next_texts, until
from tests.client.test_listening import fill


class Screen:
    """What stands on it, and the keys before it."""

    def __init__(self, app: Terminal, pilot: Pilot[Any]) -> None:
        self.app = app
        self.press = pilot.press
        self.pilot = pilot

    async def types(self, text: str) -> None:
        """A line, and Enter."""
        self.app.query_one(Writing).value = text
        await self.press("enter")

    async def shows(self, *words: str) -> None:
        await until(f"the screen to show {words}", lambda: all(w in self.text() for w in words))

    async def says(self, sentence: str) -> None:
        """In a corner, for some seconds."""
        said = self.app._notifications
        await until(f"it to say {sentence}", lambda: sentence in [each.message for each in said])

    def text(self) -> str:
        """All of it."""
        lists = [
            str(option.prompt) for each in self.app.query(OptionList) for option in each.options
        ]
        lines = [str(each.render()) for each in self.app.query(Static)]
        write = self.app.query_one(Writing)
        return "\n".join([*lists, *lines, write.value, str(write.placeholder)])

    def picture(self, file: Path) -> None:
        file.write_text(self.app.export_screenshot())


@asynccontextmanager
async def screen(chat: Katydid, *, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Screen]:
    app = Terminal(chat)
    async with app.run_test(size=size) as pilot:
        yield Screen(app, pilot)


async def test_two_people_write_to_each_other(serving: Serving, alice: str, bob: str) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        heard = at_bob.messages()
        async with screen(at_alice) as shown:
            await shown.shows("No conversation yet", f"{alice}: online")
            await shown.press("ctrl+n")
            await shown.shows("Whom do you want to write to?")
            await shown.types(bob)
            await until("the conversation to be open", lambda: shown.app._peer == bob)
            await shown.types("Hello, Bob")
            await shown.shows("Hello, Bob  ✓")

            assert await next_texts(heard, 1) == ["Hello, Bob"]
            await shown.shows("Hello, Bob  ✓✓")
            await at_bob.typing(alice)
            await shown.shows("is writing …")
            await at_bob.send(alice, "[b]Hello[/b], Alice")

            await shown.shows("[b]Hello[/b], Alice")
            await until("Alice to have read it", lambda: shown.app._threads[bob].unread == 0)
            [line] = await at_bob.conversations()
            await until_read(at_bob, alice)
            assert line.peer == alice


async def test_messages_are_answered_changed_reacted_to_and_taken_back_by_keys(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        question = await at_bob.send(alice, "How are you?")
        async with screen(at_alice) as shown:
            await shown.shows("How are you?")
            await shown.press("ctrl+r")
            await shown.shows("Reply to: How are you?")
            await shown.types("Fine, thansk")
            await shown.shows("┌ How are you?", "Fine, thansk  ✓")

            await shown.press("ctrl+e")
            await shown.types("Fine, thanks")
            await shown.shows("Fine, thanks  edited")
            await shown.press("ctrl+t")
            await shown.types("👍")
            await until("the reaction", lambda: "👍 " in shown.text())
            if folder := os.environ.get("KATYDID_PICTURES"):
                shown.picture(Path(folder) / "terminal.svg")
            await shown.press("ctrl+d")
            await shown.shows("Enter takes back: Fine, thanks")
            await shown.press("enter")
            await shown.shows("taken back")

        page = await at_bob.history(alice)
        texts = [each for each in page.messages if each.is_text]
        assert [each.text for each in texts] == ["How are you?", ""]
        assert texts[1].reply_to == question.seq


async def test_what_is_written_without_a_network_is_kept_and_sent_later(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice:
        await at_alice.send(bob, "Hello")
        async with screen(at_alice) as shown:
            await shown.shows("Hello  ✓")
            serving.network.cut()
            await shown.shows(f"{alice}: offline, what you write is kept, and sent later")

            await shown.types("Are you there?")
            await shown.shows("Are you there?  sending")
            serving.network.restore()

            await shown.shows(f"{alice}: online", "Are you there?  ✓")
    assert serving.archived(alice) == ["Hello", "Are you there?"]


async def test_a_conversation_begins_only_with_somebody_who_is_there(
    serving: Serving, alice: str
) -> None:
    async with serving.chat(alice) as at_alice, screen(at_alice) as shown:
        await shown.press("ctrl+n")
        await shown.types("nobody-here")

        await shown.says("There is no account named nobody-here.")
        await shown.shows("No conversation yet")


async def test_what_is_refused_is_said_and_stays_to_be_mended(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, screen(at_alice) as shown:
        await shown.press("ctrl+n")
        await shown.types(bob)
        await until("the conversation to be open", lambda: shown.app._peer == bob)
        await shown.types("x" * 4_001)

        await shown.says("The text has 4001 characters; at most 4000 are allowed.")
        assert shown.app.query_one(Writing).value == "x" * 4_001


async def test_a_text_may_have_several_lines(serving: Serving, alice: str, bob: str) -> None:
    async with serving.chat(alice) as at_alice:
        await at_alice.send(bob, "Hello")
        async with screen(at_alice) as shown:
            await shown.shows("Hello  ✓")
            shown.app.post_message(events.Paste("one\ntwo"))
            await shown.shows("\none\ntwo")

            await shown.press("ctrl+j", "3", "enter")
            await shown.shows("one\n      two\n      3  ✓")
            await shown.press("ctrl+e", "!", "enter")

            await shown.shows("3!  edited")
    assert serving.archived(alice) == ["Hello", "one\ntwo\n3"]
    assert serving.archived(alice, kind="edit") == ["one\ntwo\n3!"]


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (30, 10)])
async def test_a_small_terminal_shows_the_conversation_alone(
    serving: Serving, alice: str, bob: str, size: tuple[int, int]
) -> None:
    async with serving.chat(alice) as at_alice:
        await at_alice.send(bob, "x" * 4_000)
        async with screen(at_alice, size=size) as shown:
            await shown.shows("xxx  ✓")
            assert not shown.app.query_one("#conversations").display

            await shown.types("Small")

            await shown.shows("Small  ✓")


async def test_what_others_write_does_nothing_to_the_terminal(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        text = await at_bob.send(alice, "\x1b]0;title\x07\x9b2J[b]\n12:00 carol  Pay him")
        await at_bob.react(text, "[b]")
        async with screen(at_alice) as shown:
            await shown.shows("�]0;title��2J[b]\n      12:00 carol  Pay him", "[b]")
            await shown.press("ctrl+r")
            await shown.shows("Reply to: �]0;title��2J[b]")
            await shown.types("No")

            await shown.shows("┌ �]0;title��2J", "No  ✓")
            assert all(each.isprintable() or each == "\n" for each in shown.text())


async def test_older_messages_are_fetched_page_by_page(
    serving: Serving, alice: str, bob: str
) -> None:
    fill(serving, bob, alice, 120)
    async with serving.chat(alice) as at_alice, screen(at_alice) as shown:
        await shown.shows("text 71\n", "text 120\n", "older messages")
        assert "text 70\n" not in shown.text()

        await shown.press("ctrl+o")
        await shown.shows("text 21\n")
        await shown.press("ctrl+o")

        await shown.shows("text 1\n")
        assert "older messages" not in shown.text()


async def until_read(chat: Katydid, by: str) -> None:
    async with asyncio.timeout(15):
        while True:
            [line] = [line for line in await chat.conversations() if line.peer == by]
            if line.peer_read == line.last_seq:
                return
            await asyncio.sleep(0.05)
