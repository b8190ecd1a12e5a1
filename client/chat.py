"""The chat, as a program sees it: `Katydid`. What happens inside is in the files beside this one,
beginning with `running.py`.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .archive import Archive
from .credential import Credential
from .device import Device
from .errors import Closed
from .folder import Folder, read_credential, usual_folder
from .mqtt import Lost, Mqtt, Transport, Version, client_of
from .outbox import Outbox
from .positions import Positions
from .records import Conversation, DeviceLine, Event, Message, Outgoing, Page
from .running import Running
from .site import Site
from .timing import Timing
from .topics import check_characters, check_recipient, check_text


class Katydid:
    """An account's chat, for one program: `async with Katydid(url, account, …) as chat`.

    The password is needed once: after that the folder has a credential of its own. In the folder
    are also what was not sent yet and how far was seen, so a program that is killed and started
    again goes on where it was. Without a network it opens all the same, and waits for one.
    """

    def __init__(
        self,
        url: str,
        account: str,
        *,
        password: str | None = None,
        code: str | None = None,
        folder: Path | str | None = None,
        via: Path | str | None = None,
        anew: bool = False,
        name: str | None = None,
        mqtt: Version = "5",
        transport: Transport = "tcp",
        authority: Path | str | None = None,
        timing: Timing | None = None,
    ) -> None:
        """`url` is the site's. `code` comes beside the password where the account has a second
        factor. `folder` is for this program alone, by default one of the account
        below ~/.local/share/katydid. `via` is another folder of the account that is logged in, and
        serves instead of the password; `anew` asks for another credential than the folder has, as
        after one was revoked. `name` is what the account's list of devices calls it.
        `authority` is a file with certificates, where the server's was signed by nobody known."""
        self.account = account
        self._url = url
        self._password = password
        self._code = code
        self._path = usual_folder(url, account) if folder is None else Path(folder)
        self._via = None if via is None else Path(via)
        self._anew = anew
        self._name = name
        self._mqtt: Version = mqtt
        self._transport: Transport = transport
        self._authority = authority
        self._timing = timing or Timing()
        self._running: Running | None = None

    # Opening and closing.

    async def __aenter__(self) -> Self:
        """Raises NotLoggedIn, LoginRefused, CodeNeeded, FolderInUse, FolderOfAnother,
        FolderNotUsable, and at the first login Unreachable and Problem."""
        self._site = Site(self._url, authority=self._authority, seconds=self._timing.site_seconds)
        self._folder = Folder(self._path)
        try:
            self._running = await self._started()
        except BaseException:
            await self._close_files()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        running, self._running = self._opened, None
        await running.close()
        await self._close_files()

    # Writing. What these were given is on disk before anything is sent; whoever stops waiting for
    # the answer does not stop the sending. Raised are NotSent (by its cause), Revoked, TakenOver,
    # FolderNotUsable and Closed.

    async def send(self, peer: str, text: str, *, reply_to: int | None = None) -> Message:
        """The record of the text, once it is archived. `reply_to` is the `seq` that it answers."""
        check_recipient(peer)
        check_text(peer, text)
        return await self._opened.post(peer, "send", text=text, reply_to=reply_to)

    async def reply(self, message: Message, text: str) -> Message:
        """Answer this message; as `send`."""
        target = message.seq if message.is_text else message.target
        return await self.send(message.peer_of(self.account), text, reply_to=target)

    async def edit(self, message: Message, text: str) -> Message:
        """Have one's own text say something else; the record of the edit."""
        check_text(message.to, text)
        return await self._opened.post(
            message.peer_of(self.account), "edit", text=text, target=message.seq
        )

    async def unsend(self, message: Message) -> Message:
        """Take one's own text back; the record of that."""
        return await self._change(message, "unsend")

    async def react(self, message: Message, emoji: str) -> Message:
        """Put an emoji beside a text, instead of an earlier one; "" takes it away."""
        check_characters(message.to, emoji)
        return await self._opened.post(
            message.peer_of(self.account), "react", text=emoji, target=message.seq
        )

    async def typing(self, peer: str) -> None:
        """Let the peer know that one is writing; good for some seconds, and lost when offline."""
        check_recipient(peer)
        session = self._opened.connection.session
        if session is not None:
            with suppress(Lost):
                await session.publish(peer, "typing", qos=0)

    async def read(self, message: Message) -> None:
        """Say that this account has read all of the conversation up to this message. That it was
        received is said without being asked, of all that `messages` and `events` hand out."""
        self._opened.receipts.read(message.peer_of(self.account), message.seq)

    def waiting(self, peer: str | None = None) -> list[Outgoing]:
        """What is in the outbox, in the order of writing: of all conversations, or of one."""
        return self._opened.outbox.all(peer)

    # Listening.

    def messages(self, *, own: bool = False) -> AsyncIterator[Message]:
        """The texts that others write, each once, in the order of its conversation; those that came
        while the program was away first. With `own`, also what the account itself writes.

        A text counts as dealt with when the loop asks for the next one. So a program that is killed
        while it deals with one is handed it again; `seen` says so earlier.
        """
        return self._opened.texts(own=own)

    def seen(self, message: Message) -> None:
        """This message of `messages`, and all before it, were dealt with, though no other is asked
        for."""
        self._opened.seen(message)

    def events(self) -> AsyncIterator[Event]:
        """All that happens from now on: each Message of any kind, without a gap, and Receipt,
        Typing, Presence, Online, Offline and Rejected as they come. Several may listen. Where the
        folder was logged in before, it begins when the connection first stands."""
        return self._opened.events()

    @property
    def is_online(self) -> bool:
        """Whether the connection stands."""
        return self._opened.connection.session is not None

    async def until_online(self) -> None:
        """Wait until the connection stands. Raises Revoked and TakenOver."""
        await self._opened.wait_for(self._opened.connection.online())

    # Asking. Raises Unreachable and Problem.

    async def conversations(self) -> tuple[Conversation, ...]:
        """All of the account, that with the newest text first."""
        return await self._asked.conversations()

    async def history(
        self, peer: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> Page:
        """The newest messages of a conversation below `before`, or the oldest above `after`, or
        simply the newest; at most `limit`, which is 1 to 200."""
        return await self._asked.history(peer, before=before, after=after, limit=limit)

    async def devices(self) -> tuple[DeviceLine, ...]:
        """All of the account, the newest first."""
        return await self._asked.devices()

    async def remove_device(self, device: str) -> None:
        """Cut a device off for ever; this one too, if it is that."""
        await self._asked.remove_device(device)

    # Inside.

    async def _change(self, text: Message, verb: str, content: str = "") -> Message:
        peer = text.peer_of(self.account)
        return await self._opened.post(peer, verb, text=content, target=text.seq)

    @property
    def _opened(self) -> Running:
        if self._running is None:
            raise Closed
        return self._running

    @property
    def _asked(self) -> Site:
        assert self._opened
        return self._site

    async def _started(self) -> Running:
        outbox, positions = Outbox(self._folder), Positions(self._folder)
        device = Device(
            self._site,
            self._folder,
            self.account,
            owner=self._owner(),
            code=self._code,
            name=self._name,
            anew=self._anew,
        )
        listed: tuple[Conversation, ...] | None = None
        if await device.log_in():
            # In this order: a program that is killed in between logs in once more.
            listed = await self._site.conversations()
            positions.begin(listed)
            device.keep()
        return Running(
            self.account,
            archive=Archive(self._site, device, self.account, self._timing),
            device=device,
            outbox=outbox,
            positions=positions,
            listed=listed,
            make_client=self._client,
            timing=self._timing,
        )

    def _owner(self) -> tuple[str, str] | None:
        if self._password is not None:
            return self.account, self._password
        kept = None if self._via is None else read_credential(self._via)
        return None if kept is None else Credential.from_wire(kept["mqtt"]).auth

    def _client(self, credential: Credential, connection: str) -> Mqtt:
        return client_of(
            credential,
            connection,
            version=self._mqtt,
            transport=self._transport,
            tls=self._site.tls,
            timing=self._timing,
        )

    async def _close_files(self) -> None:
        await self._site.close()
        self._folder.close()
