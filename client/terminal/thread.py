"""One conversation as it is shown: its texts as they are now, merged from pages and live events,
and how far both have read. Knows nothing of the screen.
"""

from collections.abc import Iterable

from ..records import Conversation, Message, Receipt


class Thread:
    """Texts by `seq`; `is_complete` when nothing older is left to fetch."""

    def __init__(self, peer: str, account: str) -> None:
        self.peer = peer
        self.display_name = peer
        self.online = False
        self.unread = 0
        self.newest_seq = 0
        self.peer_delivered = 0
        self.peer_read = 0
        self.was_opened = False
        self.is_complete = False
        self._account = account
        self._conversation = 0
        self._first_seq = 0
        self._texts: dict[int, Message] = {}

    @property
    def texts(self) -> list[Message]:
        """In the order of the conversation."""
        return [self._texts[seq] for seq in sorted(self._texts)]

    @property
    def first_seq(self) -> int:
        """Of what was fetched; what is before it is the next page."""
        return self._first_seq

    def text(self, seq: int) -> Message | None:
        return self._texts.get(seq)

    def last_from(self, account: str) -> Message | None:
        """The newest text of the account that is still there."""
        own = [text for text in self.texts if text.sender == account and text.unsent_at is None]
        return own[-1] if own else None

    def summarize(self, line: Conversation) -> None:
        """What the list says."""
        self._conversation = line.conversation
        self.display_name = line.display_name
        self.online = line.online
        self.unread = line.unread
        self.newest_seq = max(self.newest_seq, line.last_seq)
        self.peer_delivered = max(self.peer_delivered, line.peer_delivered)
        self.peer_read = max(self.peer_read, line.peer_read)

    def add_page(self, messages: Iterable[Message], *, more: bool) -> None:
        """Older ones, as they are now."""
        for message in messages:
            self._first_seq = min(self._first_seq or message.seq, message.seq)
            self.newest_seq = max(self.newest_seq, message.seq)
            if message.is_text:
                self._texts.setdefault(message.seq, message)
        self.is_complete = not more

    def add(self, message: Message) -> None:
        """What came live."""
        self._conversation = message.conversation
        self.newest_seq = max(self.newest_seq, message.seq)
        self._first_seq = self._first_seq or message.seq
        if message.is_text:
            self._texts.setdefault(message.seq, message)
            if message.sender != self._account:
                self.unread += 1
        elif (target := self._texts.get(message.target or 0)) is not None:
            self._texts[target.seq] = target.changed_by(message)

    def receive(self, receipt: Receipt) -> None:
        """How far somebody has come, if it is in this conversation."""
        if receipt.conversation != self._conversation:
            return
        if receipt.account == self.peer:
            self.peer_delivered = max(self.peer_delivered, receipt.delivered)
            self.peer_read = max(self.peer_read, receipt.read)
        elif receipt.read >= self.newest_seq:
            self.unread = 0

    def state_of(self, text: Message) -> str:
        """What has become of one's own text: archived, delivered or read."""
        if text.seq <= self.peer_read:
            return "read"
        return "delivered" if text.seq <= self.peer_delivered else "archived"
