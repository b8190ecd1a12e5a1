"""The archive, asked for as long as it takes: what was missed, how far the conversations have gone,
and whether something arrived that nobody answered.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .device import Device
from .errors import Problem
from .records import Conversation, Message, Outgoing, Page
from .site import Site
from .timing import Timing, persistently

T = TypeVar("T")
PAGE = 200
_UNAUTHORIZED, _NOT_FOUND = 401, 404
# How far on from where it was written an outgoing message is looked for.
_MOST_PAGES = 50


class Archive:
    """All raises Revoked, and Problem for what will not pass."""

    def __init__(self, site: Site, device: Device, account: str, timing: Timing) -> None:
        self._site = site
        self._device = device
        self._account = account
        self._timing = timing

    async def conversations(self) -> tuple[Conversation, ...]:
        return await self._ask(lambda: self._site.conversations())

    async def above(self, peer: str, seq: int) -> Page:
        """The oldest records above; none where the peer does not exist."""
        try:
            return await self._ask(lambda: self._site.history(peer, after=seq, limit=PAGE))
        except Problem as problem:
            if problem.status == _NOT_FOUND:
                return Page((), more=False)
            raise

    async def find(self, outgoing: Outgoing) -> Message | None:
        """The record of what was sent before."""
        after, more, pages = outgoing.after_seq, True, 0
        while more and pages < _MOST_PAGES:
            page = await self.above(outgoing.peer, after)
            for message in page.messages:
                if message.id == outgoing.id and message.sender == self._account:
                    return message
            after = page.messages[-1].seq if page.messages else after
            more, pages = page.more, pages + 1
        return None

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Until the site answers, if need be with another credential."""
        while True:
            credential = self._device.credential
            try:
                return await persistently(ask, self._timing)
            except Problem as problem:
                if problem.status != _UNAUTHORIZED:
                    raise
                await self._device.refused(credential)
            await asyncio.sleep(self._timing.first_pause_seconds)
