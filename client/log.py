"""The conversations' logs as far as this run knows them: which `seq` is the newest of each, and
the records that came lately. Who reads them, and fetches what is missing, is `reading.py`'s.
"""

import asyncio
from collections.abc import Iterable, Iterator

from .records import Conversation, Message

# Of each conversation; a reader that is further behind fetches pages instead.
_RECENT = 500


class Log:
    """One conversation. `began` is where this run first met it: what is above is news."""

    def __init__(self, peer: str, *, began: int) -> None:
        self.peer = peer
        self.began = began
        self.newest = began
        self._recent: dict[int, Message] = {}

    def take(self, message: Message) -> None:
        """Keep it, and change the text that it is about; what is here already stays as it is."""
        self.newest = max(self.newest, message.seq)
        self._recent.setdefault(message.seq, message)
        if (target := self._recent.get(message.target or 0)) is not None:
            self._recent[target.seq] = target.changed_by(message)
        if len(self._recent) > 2 * _RECENT:
            kept = sorted(self._recent)[-_RECENT:]
            self._recent = {seq: self._recent[seq] for seq in kept}

    def get(self, seq: int) -> Message | None:
        return self._recent.get(seq)

    def fall_back(self, seq: int) -> None:
        """The archive ends there, since it was put back as it was before."""
        self.began, self.newest = min(self.began, seq), seq
        self._recent.clear()


class Logs:
    """All conversations of the account, by peer."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._logs: dict[str, Log] = {}
        self._is_listed = False
        self._peers: dict[int, str] = {}
        self._changed = asyncio.Event()

    def take(self, message: Message) -> None:
        """A record that came live."""
        peer = message.peer_of(self._account)
        self._peers[message.conversation] = peer
        self._log(peer, began=message.seq - 1).take(message)
        self.tell()

    def learn(self, listed: Iterable[Conversation]) -> None:
        """How far each conversation goes, as the list has it."""
        for each in listed:
            self._peers[each.conversation] = each.peer
            log = self._log(each.peer, began=each.last_seq)
            log.newest = max(log.newest, each.last_seq)
        self._is_listed = True
        self.tell()

    def newest(self, peer: str) -> int:
        """The newest `seq` that is known of the conversation, 0 where none is."""
        log = self._logs.get(peer)
        return 0 if log is None else log.newest

    def peer(self, conversation: int) -> str | None:
        """With whom it is."""
        return self._peers.get(conversation)

    def fall_back(self, peer: str, seq: int) -> None:
        """What is known of the conversation above is no longer so."""
        if peer in self._logs:
            self._logs[peer].fall_back(seq)

    def __iter__(self) -> Iterator[Log]:
        return iter(list(self._logs.values()))

    def began(self, peer: str) -> int:
        """From where on this run has news of it."""
        log = self._logs.get(peer)
        return 0 if log is None else log.began

    async def changed(self) -> None:
        """Wait until something comes, or `tell` is called."""
        await self._changed.wait()

    def tell(self) -> None:
        """Have all look who wait for something."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _log(self, peer: str, *, began: int) -> Log:
        if peer not in self._logs:
            # What begins after the list was read is news from its first message on.
            self._logs[peer] = Log(peer, began=0 if self._is_listed else began)
        return self._logs[peer]
