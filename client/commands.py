"""The commands of `python -m client`, and what they print. Without a command: the terminal chat.

A password comes from KATYDID_PASSWORD, a prompt or standard input, and never from an argument,
which others on the machine can read; a code likewise, from KATYDID_CODE.
"""

import argparse
import asyncio
import io
import json
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from .chat import Katydid
from .credential import Credential
from .errors import CodeNeeded, FolderInUse, KatydidError, LoginRefused, NotLoggedIn
from .folder import forget_credential, read_credential
from .places import Place, current_place, place_of, remember
from .records import DeviceLine, Message
from .shown import shown
from .site import Site
from .timing import Timing
from .topics import check_recipient, is_text
from .typed import code_of, password_of, piped_text

_PATIENCE_SECONDS = 20.0
# As a package of its own, it is a command.
_PROGRAM = "python -m client" if __package__ == "client" else "katydid-client"
# What has a device of its own beside that of the login.
_LISTEN, _CHAT = _PURPOSES = ("listen", "chat")


class TerminalMissing(KatydidError):
    """The terminal chat needs Textual, which is not installed."""

    def __init__(self) -> None:
        super().__init__("The terminal chat needs textual; install it, or give a command (--help).")


class NoTerminal(KatydidError):
    """The terminal chat is started where there are neither keys nor a screen."""

    def __init__(self) -> None:
        super().__init__("The terminal chat needs a terminal; scripts give a command (--help).")


class TerminalWithoutLetters(KatydidError):
    """The terminal cannot show what people write, nor the lines around it."""

    def __init__(self, encoding: str) -> None:
        super().__init__(f"The terminal chat needs a terminal in UTF-8, and this is {encoding}.")


class NotArchivedYet(KatydidError):
    """The time is over; the message goes first when something is sent again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"It is not archived after {seconds:g} s; it is kept, and goes with the next send."
        )


def script() -> int:
    """The command itself: ended, without a word, by a reader of its output that goes away. What a
    terminal has no letters for is printed as their numbers."""
    with suppress(AttributeError):  # there is none on Windows
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return main(sys.argv[1:])


def main(words: list[str]) -> int:
    """Exit status: 0 done, 1 could not be done, 2 no such command, 130 interrupted."""
    arguments = _parser().parse_args(words)
    try:
        asyncio.run(arguments.run(arguments))
    except KatydidError as error:
        print(f"katydid: {shown(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def login(given: argparse.Namespace) -> Coroutine[Any, Any, None]:
    """Makes a device of the account, and remembers it."""
    place = place_of(given.folder, given.login_url, given.login_account)
    password = password_of(place.account)
    if not is_text(password):  # what is no text cannot be asked for either
        raise LoginRefused(place.account)
    code = code_of(place.account) if given.code else None
    if code is not None and not (code.isascii() and code.isprintable()):  # nor go into a header
        raise CodeNeeded(place.account)
    return _log_in(given, place, password=password, code=code)


def send(given: argparse.Namespace) -> Coroutine[Any, Any, None]:
    """Returns when the text is archived."""
    if given.text == "-":
        given.text = piped_text()
    return _send(given)


async def _log_in(given: argparse.Namespace, place: Place, **proof: str | None) -> None:
    async with _chat(given, place, place.folder, **proof, anew=True) as opened:
        remember(given.folder, place)
        for purpose in _PURPOSES:
            await _forget_if_revoked(opened, place.purpose(purpose))
    print(f"{place.account} is logged in at {place.url}.", file=sys.stderr)


async def _send(given: argparse.Namespace) -> None:
    place = _place(given)
    chat = await _opened_when_free(_chat(given, place, place.folder))
    try:
        async with asyncio.timeout(given.timeout):
            message = await chat.send(given.peer, given.text, reply_to=given.reply_to)
    except TimeoutError:
        raise NotArchivedYet(given.timeout) from None
    finally:
        await chat.__aexit__(None, None, None)
    if given.json:
        _print_json(message.as_wire())


async def listen(given: argparse.Namespace) -> None:
    """Each text once, whenever it was written since the last time."""
    place, left = _place(given), given.count
    async with _chat(given, place, place.purpose(_LISTEN), via=place.folder) as chat:
        async for message in chat.messages(own=given.own):
            if given.json:
                _print_json(message.as_wire())
            else:
                print(_line(message), flush=True)
            chat.seen(message)
            left = None if left is None else left - 1
            if left == 0:
                return


async def history(given: argparse.Namespace) -> None:
    """A page of a conversation."""
    check_recipient(given.peer)
    site = _site(given, _place(given))
    try:
        page = await site.history(
            given.peer, before=given.before, after=given.after, limit=given.limit
        )
    finally:
        await site.close()
    for message in page.messages:
        if given.json:
            _print_json(message.as_wire())
        elif message.is_text and message.unsent_at is None:
            print(_line(message))


async def devices(given: argparse.Namespace) -> None:
    """All of the account, or one less."""
    site = _site(given, _place(given))
    try:
        if given.revoke is not None:
            await site.remove_device(given.revoke)
            return
        listed = await site.devices()
    finally:
        await site.close()
    for line in listed:
        if given.json:
            _print_json(_wire_of(line))
        else:
            marks = [word for word, holds in (("connected", line.connected),) if holds]
            print(shown("  ".join([line.device, line.kind, line.name, *marks])))


async def chat(given: argparse.Namespace) -> None:
    """The terminal chat, until its person leaves it."""
    try:
        from .terminal import Terminal
    except ModuleNotFoundError as missing:
        if missing.name != "textual":
            raise
        raise TerminalMissing from None
    # Textual reads the keys from the one and draws on the other.
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise NoTerminal
    if "utf" not in sys.stderr.encoding.lower():
        raise TerminalWithoutLetters(sys.stderr.encoding)
    place = _place(given)
    async with _chat(given, place, place.purpose(_CHAT), via=place.folder) as opened:
        await Terminal(opened).run_async()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="Chat with Katydid; without a command, in a terminal."
    )
    parser.set_defaults(run=chat)
    parser.add_argument("--url", help="the site, where it is not that of the last login")
    parser.add_argument("--account", help="whose chat, where it is not that of the last login")
    parser.add_argument("--folder", type=Path, help="where to keep things (~/.local/share/katydid)")
    parser.add_argument("--mqtt", choices=["5", "3.1.1"], default="5")
    parser.add_argument("--transport", choices=["tcp", "websocket"], default="tcp")
    parser.add_argument("--authority", type=Path, help="a file with certificates to trust")
    commands = parser.add_subparsers(title="commands")

    command = _command(commands, "login", login)
    command.add_argument("login_url", metavar="URL")
    command.add_argument("login_account", metavar="ACCOUNT")
    command.add_argument("--code", action="store_true", help="ask for one of a second factor, too")

    command = _command(commands, "send", send, prints=True)
    command.add_argument("peer", metavar="TO")
    command.add_argument("text", metavar="TEXT", help="- reads it from standard input")
    command.add_argument("--reply-to", type=int, metavar="SEQ")
    command.add_argument("--timeout", type=_seconds, metavar="SECONDS")

    command = _command(commands, "listen", listen, prints=True)
    command.add_argument("--own", action="store_true", help="what the account writes, too")
    command.add_argument("--count", type=_count, metavar="N", help="end after so many")

    command = _command(commands, "history", history, prints=True)
    command.add_argument("peer", metavar="PEER")
    command.add_argument("--before", type=int, metavar="SEQ")
    command.add_argument("--after", type=int, metavar="SEQ")
    command.add_argument("--limit", type=int, default=50, metavar="N")

    command = _command(commands, "devices", devices, prints=True)
    command.add_argument("--revoke", metavar="DEVICE", help="cut this one off for ever")
    return parser


def _command(commands: Any, name: str, run: Any, *, prints: bool = False) -> Any:
    command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
    command.set_defaults(run=run)
    if prints:
        command.add_argument("--json", action="store_true", help="one JSON object on each line")
    return command


def _count(word: str) -> int:
    """1 or more."""
    if (count := int(word)) < 1:
        raise ValueError
    return count


def _seconds(word: str) -> float:
    """Neither negative, nor without an end, nor no number."""
    if not 0 <= (seconds := float(word)) < float("inf"):
        raise ValueError
    return seconds


def _place(given: argparse.Namespace) -> Place:
    if given.url is not None and given.account is not None:
        return place_of(given.folder, given.url, given.account)
    current = current_place(given.folder)
    return place_of(given.folder, given.url or current.url, given.account or current.account)


def _chat(given: argparse.Namespace, place: Place, folder: Path, **more: Any) -> Katydid:
    return Katydid(
        place.url,
        place.account,
        folder=folder,
        mqtt=given.mqtt,
        transport=given.transport,
        authority=given.authority,
        **more,
    )


def _site(given: argparse.Namespace, place: Place) -> Site:
    """Asked with the credential of the login. Raises NotLoggedIn."""
    kept = read_credential(place.folder)
    if kept is None:
        raise NotLoggedIn(place.account)
    site = Site(place.url, authority=given.authority, seconds=Timing().site_seconds)
    site.auth = Credential.from_wire(kept["mqtt"]).auth
    return site


async def _opened_when_free(chat: Katydid) -> Katydid:
    """Two scripts may send at once: one waits for the other. Raises FolderInUse."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            return await chat.__aenter__()
        except FolderInUse:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)


async def _forget_if_revoked(chat: Katydid, folder: Path) -> None:
    """A device that is gone gets a new credential when its command is used again."""
    kept = read_credential(folder)
    if kept is None:
        return
    if kept["mqtt"]["device"] not in {line.device for line in await chat.devices()}:
        forget_credential(folder)


def _line(message: Message) -> str:
    when = f"{message.stored_at:%Y-%m-%d %H:%M}  "
    return when + shown(f"{message.sender}: {message.text}", indent=len(when))


def _print_json(content: dict[str, Any]) -> None:
    """In ASCII, which arrives as it is through every pipe, and does nothing to a terminal."""
    print(json.dumps(content), flush=True)


def _wire_of(line: DeviceLine) -> dict[str, Any]:
    times = {"created_at": line.created_at, "last_used_at": line.last_used_at}
    said = {name: None if time is None else time.isoformat() for name, time in times.items()}
    return {
        "device": line.device,
        "name": line.name,
        "kind": line.kind,
        "connected": line.connected,
        "current": line.current,
        **said,
    }
