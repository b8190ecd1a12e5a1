"""`python -m bench.chaos.reference ROLE`: somebody at the reference client, which keeps its outbox
on disk; so it may be killed between any two steps, and goes on where it was."""

import asyncio
import sys

from bench.chaos.ledger import (
    ARCHIVED,
    BEGUN,
    HANDED_OVER,
    OFFERED,
    SETTLED,
    SHOWN,
    Ledger,
    next_number,
    text_of,
)
from bench.chaos.role import Role, role_from
from bench.people import PASSWORD
from client import Katydid, KatydidError

_LOOKS_EVERY_SECONDS = 0.05


async def main(file: str) -> None:
    """Until it is ended."""
    role = role_from(file)
    [person], [peer] = role.people, role.peers
    # Before anything else: what is offered in this life comes after what was in the last.
    number = next_number(role.ledger_file, person.account, peer)
    someone = _Someone(role, person.account, peer)
    folder = role.folder / "client"
    async with (
        Katydid(role.url, person.account, password=PASSWORD, folder=folder) as chat,
        asyncio.TaskGroup() as tasks,
    ):
        someone.begin()
        tasks.create_task(someone.watch(chat))
        tasks.create_task(someone.write_all(chat, number, tasks))


class _Someone:
    """One account with one peer to write to; it is shown what anybody writes to it."""

    def __init__(self, role: Role, account: str, peer: str) -> None:
        self._role = role
        self._account, self._peer = account, peer
        self._ledger = Ledger(role.ledger_file)

    def begin(self) -> None:
        """Be there: what was written before its first login is the past."""
        self._ledger.note(BEGUN, self._account, self._peer)

    async def watch(self, chat: Katydid) -> None:
        """Note whatever is shown, as long as the program runs."""
        async for message in chat.messages(own=True):
            said = {"text": message.text, "seq": message.seq}
            peer = message.peer_of(self._account)
            self._ledger.note(SHOWN, self._account, peer, sender=message.sender, **said)
            if message.sender == self._account:
                self._ledger.note(ARCHIVED, self._account, peer, **said)

    async def write_all(self, chat: Katydid, number: int, tasks: asyncio.TaskGroup) -> None:
        """One after the other, as long as it is not enough, whether or not there is a network; then
        until the outbox is empty."""
        while not self._role.signs.may_begin():
            await asyncio.sleep(0.1)
        while not self._role.signs.is_enough():
            await asyncio.sleep(self._role.every_seconds)
            text = text_of(self._account, number)
            self._ledger.note(OFFERED, self._account, self._peer, text=text)
            tasks.create_task(self._send(chat, text))
            await self._until_kept(chat, text)
            number += 1
        while chat.waiting():
            await asyncio.sleep(_LOOKS_EVERY_SECONDS)
        self._ledger.note(SETTLED, self._account, self._peer)

    async def _send(self, chat: Katydid, text: str) -> None:
        try:
            await chat.send(self._peer, text)
        except KatydidError as problem:
            print(f"{text}: {problem!r}", file=sys.stderr, flush=True)

    async def _until_kept(self, chat: Katydid, text: str) -> None:
        """Until it is in the outbox, which is on disk."""
        await asyncio.sleep(0)
        if any(each.text == text for each in chat.waiting(self._peer)):
            self._ledger.note(HANDED_OVER, self._account, self._peer, text=text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
