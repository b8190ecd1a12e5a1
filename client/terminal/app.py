"""The screen: conversations on the left, the open one on the right, a line to write in, and a line
that says how things stand.

Everything goes by keyboard; what a key does stands in the last line. What one writes without a
network is kept and sent later.
"""

import time
from collections.abc import Coroutine
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from ..chat import Katydid
from ..errors import KatydidError, NotSent
from ..records import Event, Message, Offline, Online, Presence, Receipt, Rejected, Typing
from ..shown import shown
from .lines import conversation_line, message_line, outgoing_line
from .thread import Thread
from .writing import Writing

_PAGE = 50
_TYPING_SAID_SECONDS = 3.0
_TYPING_SHOWN_SECONDS = 5.0
_OLDER = "older"
_ABOUT_A_MESSAGE = ("reply", "edit", "react", "unsend")
_CSS = """
#conversations { width: 28; border-right: solid $panel; height: 1fr; }
.-narrow #conversations { display: none; }
#messages { height: 1fr; border: none; padding: 0 1; }
#head { height: 1; background: $panel; padding: 0 1; text-style: bold; }
#write { border: tall $panel; }
#write:focus { border: tall $accent; }
#status { height: 1; padding: 0 1; background: $success-darken-2; color: $text; }
#status.offline { background: $warning-darken-2; }
#status.ended { background: $error-darken-2; }
"""


class Terminal(App[None]):
    """Runs on a chat that is open."""

    CSS = _CSS
    TITLE = "Katydid"
    ENABLE_COMMAND_PALETTE = False
    # Where there is no room for both, the conversation alone is shown; Ctrl+↑ and Ctrl+↓ turn.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012  declared there
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "begin", "New", priority=True),
        Binding("ctrl+r", "reply", "Reply", priority=True),
        Binding("ctrl+e", "edit", "Edit", priority=True),
        Binding("ctrl+t", "react", "React", priority=True),
        Binding("ctrl+d", "unsend", "Take back", priority=True),
        Binding("ctrl+o", "older", "Older", priority=True),
        Binding("ctrl+up", "turn(-1)", "", priority=True, show=False),
        Binding("ctrl+down", "turn(1)", "Next", priority=True),
        Binding("escape", "leave", "Back", priority=True),
        Binding("ctrl+q", "quit", "Quit", priority=True),
    ]

    def __init__(self, chat: Katydid) -> None:
        super().__init__()
        self._chat = chat
        self._threads: dict[str, Thread] = {}
        self._peer: str | None = None
        # What the next line is: a text, or about a message, or a name (begin).
        self._purpose = "send"
        self._about: Message | None = None
        self._typing_said_at = 0.0
        self._typing_until: dict[str, float] = {}
        self._list_shown = OptionList(id="conversations")
        self._head = Static(id="head", markup=False)
        self._messages = OptionList(id="messages")
        self._write = Writing(id="write")
        self._status = Static(id="status", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._list_shown
            with Vertical():
                yield self._head
                yield self._messages
                yield self._write
        yield self._status
        yield Footer()

    def on_mount(self) -> None:
        if self._chat.is_online:
            self._show_status("online", "")
        else:
            self._show_status("connecting", "offline")
        self._show_purpose()
        self._write.focus()
        self._work(self._listen())
        self._work(self._list())
        self.set_interval(1.0, self._show_head)

    # What happens.

    async def _listen(self) -> None:
        try:
            async for event in self._chat.events():
                self._take(event)
        except KatydidError as error:
            self._show_status(str(error), "ended")

    def _take(self, event: Event) -> None:
        if isinstance(event, Message):
            self._take_message(event)
        elif isinstance(event, Receipt):
            for thread in self._threads.values():
                thread.receive(event)
            self._show_all()
        elif isinstance(event, Typing):
            self._typing_until[event.sender] = time.monotonic() + _TYPING_SHOWN_SECONDS
            self._show_head()
        elif isinstance(event, Presence):
            if event.account in self._threads:
                self._threads[event.account].online = event.online
            self._show_all()
        elif isinstance(event, Online):
            self._show_status("online", "")
            self._work(self._list())
        elif isinstance(event, Offline):
            kept = "what you write is kept, and sent later"
            self._show_status(f"offline, {kept} ({event.problem})", "offline")
        elif isinstance(event, Rejected):
            self._say(event.detail, severity="error", title="Not sent")

    def _take_message(self, message: Message) -> None:
        peer = message.peer_of(self._chat.account)
        is_new = peer not in self._threads
        self._thread(peer).add(message)
        self._typing_until.pop(message.sender, None)
        if is_new:
            self._work(self._list())
        if peer == self._peer:
            self._work(self._read())
        self._show_all()

    async def _list(self) -> None:
        """The conversations, and the newest page of that which is open."""
        for line in await self._chat.conversations():
            self._thread(line.peer).summarize(line)
        if self._peer is None and self._threads:
            self._open(next(iter(self._threads)))
        self._show_all()

    async def _read(self) -> None:
        """It is open, so all of it has been read."""
        thread = self._open_thread()
        if thread is None:
            return
        theirs = thread.last_from(thread.peer)
        if theirs is not None and thread.unread:
            thread.unread = 0
            await self._chat.read(theirs)
            self._show_all()

    async def _load_older(self) -> None:
        thread = self._open_thread()
        if thread is None or (thread.was_opened and thread.is_complete):
            return
        page = await self._chat.history(thread.peer, before=thread.first_seq or None, limit=_PAGE)
        was_opened, thread.was_opened = thread.was_opened, True
        thread.add_page(page.messages, more=page.more)
        self._show_messages(keep_place=was_opened)
        await self._read()

    # What the person does.

    @on(OptionList.OptionSelected, "#conversations")
    def _conversation_chosen(self, chosen: OptionList.OptionSelected) -> None:
        assert chosen.option.id is not None
        self._open(chosen.option.id)
        self._write.focus()

    @on(OptionList.OptionSelected, "#messages")
    def _message_chosen(self, chosen: OptionList.OptionSelected) -> None:
        if chosen.option.id == _OLDER:
            self.action_older()
        else:
            self.action_reply()

    @on(TextArea.Changed, "#write")
    async def _being_written(self) -> None:
        due = time.monotonic() - self._typing_said_at > _TYPING_SAID_SECONDS
        if self._write.value and self._peer and self._purpose in ("send", "reply") and due:
            self._typing_said_at = time.monotonic()
            await self._chat.typing(self._peer)

    @on(Writing.Submitted)
    def _written(self, submitted: Writing.Submitted) -> None:
        text, purpose, about = submitted.text, self._purpose, self._about
        self._write.clear()
        self.action_leave()
        if purpose == "begin":
            self._work(self._begin(text.strip()))
        elif purpose == "edit" and about is not None:
            self._send(self._chat.edit(about, text))
        elif purpose == "unsend" and about is not None:
            self._send(self._chat.unsend(about))
        elif purpose == "react" and about is not None:
            self._send(self._chat.react(about, text.strip()))
        elif text.strip() and self._peer is not None:
            reply_to = about.seq if purpose == "reply" and about is not None else None
            self._send(self._chat.send(self._peer, text, reply_to=reply_to), text)

    def action_begin(self) -> None:
        self._ask_for("begin", None)

    def action_reply(self) -> None:
        self._ask_for("reply", self._chosen() or self._last_of_peer())

    def action_edit(self) -> None:
        text = self._own_chosen()
        self._ask_for("edit", text)
        if text is not None:
            self._write.value = shown(text.text)

    def action_react(self) -> None:
        self._ask_for("react", self._chosen() or self._last_of_peer())

    def action_unsend(self) -> None:
        self._ask_for("unsend", self._own_chosen())

    def action_older(self) -> None:
        self._work(self._load_older())

    def action_turn(self, by: int) -> None:
        """To the conversation above or below in the list."""
        peers = list(self._threads)
        if peers:
            at = peers.index(self._peer) if self._peer in peers else -by
            self._open(peers[(at + by) % len(peers)])

    def action_leave(self) -> None:
        """Back to writing a text."""
        if self._purpose == "edit":
            self._write.clear()
        self._ask_for("send", None)

    # Inside.

    async def _begin(self, peer: str) -> None:
        """With somebody who is there."""
        if peer and peer != self._chat.account:
            await self._chat.history(peer, limit=1)
            self._open(peer)

    def _open(self, peer: str) -> None:
        thread = self._thread(peer)
        self._peer = peer
        self._ask_for("send", None)
        self._show_all()
        self._work(self._read() if thread.was_opened else self._load_older())

    def _ask_for(self, purpose: str, about: Message | None) -> None:
        """What the next line is; nothing, where it is about a message that is not there."""
        if purpose in _ABOUT_A_MESSAGE and about is None:
            return
        self._purpose, self._about = purpose, about
        self._show_purpose()
        self._write.focus()

    def _send(self, sending: Coroutine[Any, Any, Message], text: str = "") -> None:
        async def send() -> None:
            try:
                await sending
            except NotSent as refusal:
                self._say(refusal.detail, severity="error", title="Not sent")
                write = self._write
                write.value = write.value or text
            self._show_messages()

        self._work(send())
        self.call_after_refresh(self._show_messages)

    def _work(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background; what goes wrong is said, and nothing else stops."""

        async def told() -> None:
            try:
                await work
            except KatydidError as error:
                self._say(str(error), severity="warning")

        self.run_worker(told())

    def _thread(self, peer: str) -> Thread:
        return self._threads.setdefault(peer, Thread(peer, self._chat.account))

    def _open_thread(self) -> Thread | None:
        return None if self._peer is None else self._thread(self._peer)

    def _chosen(self) -> Message | None:
        """The message that is highlighted."""
        messages, thread = self._messages, self._open_thread()
        if thread is None or messages.highlighted is None:
            return None
        id = messages.get_option_at_index(messages.highlighted).id or ""
        return thread.text(int(id)) if id.isdecimal() else None

    def _own_chosen(self) -> Message | None:
        thread, chosen = self._open_thread(), self._chosen()
        if chosen is not None and chosen.sender == self._chat.account:
            return chosen
        return None if thread is None else thread.last_from(self._chat.account)

    def _last_of_peer(self) -> Message | None:
        thread = self._open_thread()
        return None if thread is None else thread.last_from(thread.peer)

    # Showing.

    def _show_all(self) -> None:
        if not self._head.is_attached:  # on the way out
            return
        shown = self._list_shown
        shown.clear_options()
        shown.add_options(
            Option(conversation_line(thread), id=peer) for peer, thread in self._threads.items()
        )
        if self._peer is not None:
            shown.highlighted = shown.get_option_index(self._peer)
        self._show_head()
        self._show_messages()

    def _show_messages(self, *, keep_place: bool = False) -> None:
        if not self._head.is_attached:
            return
        shown, thread = self._messages, self._open_thread()
        before = shown.highlighted
        marked = shown.get_option_at_index(before).id if before is not None else None
        at_end = before is None or before == shown.option_count - 1
        shown.clear_options()
        if thread is None:
            return
        if thread.was_opened and not thread.is_complete:
            shown.add_option(Option("↑ older messages (Ctrl+O)", id=_OLDER))
        account = self._chat.account
        shown.add_options(
            Option(message_line(thread, each, account), id=str(each.seq)) for each in thread.texts
        )
        waiting = self._chat.waiting(thread.peer)
        shown.add_options(Option(outgoing_line(each, account), id=each.id) for each in waiting)
        if at_end and not keep_place:
            shown.highlighted = shown.option_count - 1 if shown.option_count else None
        elif marked is not None and marked in {option.id for option in shown.options}:
            shown.highlighted = shown.get_option_index(marked)

    def _show_head(self) -> None:
        thread = self._open_thread()
        if thread is None:
            self._head.update("No conversation yet; Ctrl+N begins one")
            return
        writes = self._typing_until.get(thread.peer, 0.0) > time.monotonic()
        there = "is writing …" if writes else ("online" if thread.online else "not here")
        self._head.update(f"{shown(thread.display_name)}  {there}")

    def _show_purpose(self) -> None:
        about = "" if self._about is None else shown(self._about.text).split("\n", 1)[0][:40]
        hints = {
            "send": "Write a message",
            "reply": f"Reply to: {about}",
            "edit": f"Edit: {about}",
            "react": f"Emoji for: {about} (nothing takes it away)",
            "unsend": f"Enter takes back: {about} (Escape does not)",
            "begin": "Whom do you want to write to? The name of an account",
        }
        self._write.hint(hints[self._purpose])

    def _say(self, sentence: str, **how: Any) -> None:
        """In a corner, for some seconds."""
        self.notify(shown(sentence), markup=False, **how)

    def _show_status(self, said: str, how: str) -> None:
        status = self._status
        status.update(shown(f"{self._chat.account}: {said}"))
        status.set_classes(how)
