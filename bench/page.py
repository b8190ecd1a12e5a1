"""`python -m bench.page`: what the chat page costs in a real Chromium: bytes of a first and of a
second visit, time to the first message, and the frames of a scroll through a long conversation."""

import argparse
from datetime import timedelta
from statistics import median, quantiles

from sqlalchemy import insert

from bench.browsing import Reader, Scroll, Visit, chromium, readers
from bench.installation import Installation, installation
from bench.people import PASSWORD, register
from chat.accounts import account_named
from chat.conversations import direct_key
from chat.models import Conversation, Member, Message
from chat.times import now

_TEXT = "Do you hear them tonight, all night long, answering each other over the street? "
_MEGABYTE = 1e6


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="of the long conversation")
    parser.add_argument("--rounds", type=int, default=3, help="how often each visit is made")
    parser.add_argument("--pixels", type=int, default=600, help="scrolled in each frame")
    given = parser.parse_args()
    with installation() as running, chromium() as browser:
        register(running.url, "reader")
        register(running.url, "writer")
        converse(running, "reader", "writer", given.messages)
        make = readers(browser, running.url, "reader", PASSWORD)
        print(f"Chromium {browser.version}; a conversation of {given.messages:,} messages")
        for network in ("this machine's network", "150 ms and 1.6 Mbit/s"):
            visits = [_visits(make(), is_slow="ms" in network) for _ in range(given.rounds)]
            _print_visits(network, visits)
        reader = make()
        _print_scrolls(reader, given.pixels)
        reader.close()


def _visits(reader: Reader, *, is_slow: bool) -> tuple[Visit, Visit]:
    if is_slow:
        reader.slow_down()
    first, second = reader.visit("writer"), reader.visit("writer")
    reader.close()
    return first, second


def _print_visits(network: str, visits: list[tuple[Visit, Visit]]) -> None:
    print(f"\n{network}: JS + CSS transferred   files from network, service worker   first message")
    for name, each in zip(("first visit", "second visit"), zip(*visits, strict=True), strict=True):
        transferred = median(visit.transferred_bytes for visit in each)
        shown = median(visit.first_message_milliseconds for visit in each)
        files = f"{each[0].from_network:3} {each[0].from_service_worker:3}"
        print(f"{name:14} {transferred / 1000:8.1f} kB   {files}   {shown:6.0f} ms")


def _print_scrolls(reader: Reader, pixels: int) -> None:
    reader.visit("writer")
    before = reader.held_bytes()
    print(f"\nscrolled by {pixels} pixels a frame; held by the page before: {_megabytes(before)}")
    for name, scroll in (("up", reader.scroll_to_the_top), ("down", reader.scroll_to_the_bottom)):
        found = scroll(pixels)
        print(
            f"{name:5} {found.seconds:5.0f} s, {_frames(found)}; at most {found.most_messages}"
            f" messages in the document; then held: {_megabytes(reader.held_bytes())},"
            f" {reader.nodes():,} elements"
        )


def _frames(scroll: Scroll) -> str:
    frames = scroll.frames_milliseconds
    return (
        f"{len(frames):,} frames: median {median(frames):.1f} ms,"
        f" 99 of 100 within {quantiles(frames, n=100)[-1]:.1f} ms, longest {max(frames):.1f} ms;"
        f" over 50 ms: {sum(each > 50 for each in frames)},"
        f" by the browser's own count {len(scroll.long_milliseconds)}"
    )


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB"


def converse(running: Installation, one: str, other: str, count: int) -> None:
    """The two have written so many messages in turn, one in each two minutes up to now."""
    with running.database.writing() as session:
        accounts = [account_named(session, name) for name in (one, other)]
        ids = [account.id for account in accounts if account is not None and account.id is not None]
        conversation = Conversation(key=direct_key(*ids), last_seq=count)
        session.add(conversation)
        session.flush()
        assert conversation.id is not None
        for each in ids:
            session.add(Member(conversation_id=conversation.id, account_id=each, read_seq=count))
        session.flush()
        end = now()
        session.execute(
            insert(Message),
            [
                {
                    "conversation_id": conversation.id,
                    "seq": seq,
                    "sender_id": ids[seq % 2],
                    "client_id": f"past-{seq}",
                    "kind": "text",
                    "body": f"{seq}: {_TEXT * (seq % 7 // 2)}{_TEXT[: seq % 60]}",
                    "stored_at": end - timedelta(minutes=2 * (count - seq)),
                }
                for seq in range(1, count + 1)
            ],
        )


if __name__ == "__main__":
    main()
