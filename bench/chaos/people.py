"""Who takes part in a run: accounts, made at the door that everybody uses, and a process for each
participant, whose ledger stays when the process is killed."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench.chaos.kept import Kept
from bench.chaos.layout import child_environ
from bench.chaos.ledger import BEGUN, SETTLED, Event, events
from bench.chaos.role import BROWSER, CLIENT, PLAIN, Role, Signs
from bench.people import register
from cli.supervision import python

_MODULES = {
    PLAIN: "bench.chaos.plain",
    CLIENT: "bench.chaos.reference",
    BROWSER: "bench.chaos.browser",
}
# A text of each in so many seconds.
_EVERY_SECONDS = {PLAIN: 0.1, CLIENT: 0.2, BROWSER: 0.5}


class Participant:
    """One process that plays a role."""

    def __init__(self, role: Role) -> None:
        self.role = role
        command = python(_MODULES[role.kind], str(role.save()))
        self.output = role.folder / "output"
        self._kept = Kept(command, child_environ(), self.output)

    @property
    def name(self) -> str:
        return self.role.name

    @property
    def pid(self) -> int | None:
        return self._kept.pid

    @property
    def may_be_killed(self) -> bool:
        """Whether it has its outbox on disk, and goes on where it was."""
        return self.role.kind == CLIENT

    def ledger(self) -> Sequence[Event]:
        return list(events(self.role.ledger_file))

    def is_there(self) -> bool:
        """Whether all its people may be written to."""
        return self._have_all_noted(BEGUN)

    def has_settled(self) -> bool:
        """Whether all that its people sent has come to an end."""
        return self._have_all_noted(SETTLED)

    async def start(self) -> None:
        await self._kept.start()

    async def stop(self) -> None:
        await self._kept.stop(signal.SIGTERM)

    def _have_all_noted(self, what: str) -> bool:
        who = {each.account for each in self.ledger() if each.what == what}
        return who >= {person.account for person in self.role.people}


class People:
    """All participants of a run."""

    def __init__(self, participants: Sequence[Participant], signs: Signs) -> None:
        self.participants = participants
        self.signs = signs

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each account."""
        return {
            person.account: each.role.kind
            for each in self.participants
            for person in each.role.people
        }

    def ledgers(self) -> Sequence[Sequence[Event]]:
        return [each.ledger() for each in self.participants]

    def unsettled(self) -> Sequence[str]:
        """Who is not done yet."""
        return [each.name for each in self.participants if not each.has_settled()]


@asynccontextmanager
async def people(
    register_at: str, url: str, folder: Path, *, pairs: Mapping[str, int]
) -> AsyncIterator[People]:
    """So many pairs of each kind; the first address is for their accounts, the second their own."""
    signs = Signs(folder)
    roles = await asyncio.to_thread(_roles, register_at, url, folder, signs, pairs)
    participants = [Participant(role) for role in roles]
    async with AsyncExitStack() as ended:
        for each in participants:
            ended.push_async_callback(each.stop)
            await each.start()
        yield People(participants, signs)


def _roles(
    register_at: str, url: str, folder: Path, signs: Signs, pairs: Mapping[str, int]
) -> Sequence[Role]:
    """A client is a process of its own; browsers share a Chromium, and publishers a process."""
    roles = []
    for kind, number in pairs.items():
        word = kind.partition(" ")[0]
        everyone = [register(register_at, f"{word}-{n}") for n in range(1, 2 * number + 1)]
        peers = [everyone[place ^ 1].account for place in range(len(everyone))]
        each_by_itself = kind == CLIENT
        groups = (
            [[place] for place in range(len(everyone))]
            if each_by_itself
            else [list(range(len(everyone)))]
        )
        for group in groups:
            if not group:
                continue
            people = [everyone[place] for place in group]
            name = people[0].account if each_by_itself else word
            roles.append(
                Role(
                    name=name,
                    kind=kind,
                    url=url,
                    people=people,
                    peers=[peers[place] for place in group],
                    every_seconds=_EVERY_SECONDS[kind],
                    folder=folder / name,
                    signs=signs,
                )
            )
    return roles
