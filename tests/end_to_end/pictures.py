"""`python -m tests.end_to_end.pictures`: takes the pictures of the README and of docs/pictures.md,
docs/images/*.png: each main screen on a phone, a tablet and a desktop, light and dark.

A real installation in a home that is thrown away, real pages; only what was said before today is
put into the tables directly, since nobody wants to wait for yesterday.
"""

from datetime import datetime, timedelta
from itertools import count, product
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, expect, sync_playwright
from sqlmodel import Session

from chat.accounts import account_named
from chat.conversations import direct_key
from chat.database import Database
from chat.models import Account, Conversation, Member, Message
from chat.settings import REPOSITORY
from chat.times import now
from tests.browser import CHROMIUM_ARGUMENTS
from tests.conftest import needs
from tests.end_to_end.person import PASSWORD, Person
from tests.end_to_end.running_up import Up, quick_hash

IMAGES = REPOSITORY / "docs" / "images"
SIZES = {"phone": (360, 740), "tablet": (768, 1024), "desktop": (1440, 900)}
PEOPLE = {
    "alice": "Alice Lindqvist",
    "bob": "Bob Okafor",
    "carol": "Carol Méndez",
    "dara": "Dara Sok",
    "greenhouse": "Greenhouse",
}
# Sender, text, minutes before now.
WITH_BOB = [
    ("bob", "Found it! The noise in the recording is no fault, it is a katydid.", 1_530),
    ("alice", "No way. On the balcony, in November?", 1_524),
    ("bob", "In your lemon tree. Third branch, looks exactly like a leaf.", 1_523),
    ("bob", "It has been answering the one across the street all night.", 1_523),
    ("alice", "So the two of them talk, and we get no sleep.", 1_519),
    ("bob", "Did you listen again?", 47),
    ("alice", "Twice. At 2:14 there are clearly three of them now.", 44),
    ("alice", "One calls, and both of the others answer. Always in the same order.", 44),
    ("bob", "Archive, then deliver :)", 41),
    ("alice", "Shall we record together tonight? I can bring the good microphone.", 12),
]
OTHERS = {
    "greenhouse": [("greenhouse", "Lemon tree: 14.2 °C, soil 31 %. Window closed.", 26)],
    "carol": [
        ("alice", "The slides are in the shared folder.", 190),
        ("carol", "Got them, thank you! See you on Thursday.", 183),
    ],
    "dara": [
        ("dara", "Can you feed the cat this weekend?", 4_400),
        ("alice", "Of course. Same key as always?", 4_390),
    ],
}


def main() -> None:
    with TemporaryDirectory() as home, sync_playwright() as playwright:
        up = Up(Path(home))
        browser = playwright.chromium.launch(
            executable_path=needs("chromium"), args=CHROMIUM_ARGUMENTS
        )
        try:
            _make_past(Path(home))
            _take_pictures(up, browser)
        finally:
            browser.close()
            up.stop()


def _take_pictures(up: Up, browser: Browser) -> None:
    for (device, size), scheme in product(SIZES.items(), ("light", "dark")):
        alice = _at_browser(up, browser, "alice", size, scheme)
        bob = _at_browser(up, browser, "bob", SIZES["desktop"], scheme)
        for screen, show in SCREENS.items():
            show(alice, bob)
            # What has the focus, a pointer or a caret is no part of the screen.
            alice.page.evaluate("document.activeElement.blur()")
            alice.page.screenshot(path=IMAGES / f"{screen}-{device}-{scheme}.png")
        for person in (alice, bob):
            person.context.close()


def _show_login(alice: Person, bob: Person) -> None:
    alice.visit("/login")
    expect(alice.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()


def _show_conversations(alice: Person, bob: Person) -> None:
    alice.log_in()
    expect(alice.page.locator("[data-peer=carol]")).to_be_visible()


def _show_conversation(alice: Person, bob: Person) -> None:
    alice.page.locator("[data-peer=bob]").click()
    bob.log_in()
    bob.page.locator("[data-peer=alice]").click()
    if alice.messages.count() <= len(WITH_BOB):
        bob.write("Yes! At midnight, and bring a **torch**.")
        alice.write("Midnight it is. I will be as quiet as a leaf.")
        # What Alice likes; and what Bob answers.
        _act(alice, "bring a torch", "Thumbs up")
        _act(bob, "three of them now", "Reply")
        bob.write("And the third one sings flat.")
    expect(alice.messages.last).to_have_text("And the third one sings flat.")
    alice.sees_state("Midnight it is", "read")


def _act(person: Person, text: str, action: str) -> None:
    person.message(text).get_by_role("button", name="Message actions").press("Enter")
    person.page.get_by_role("button", name=action, exact=True).press("Enter")


def _show_search(alice: Person, bob: Person) -> None:
    alice.visit("/")
    alice.wait_until_online()
    alice.page.get_by_role("searchbox", name="Search messages").fill("tree")
    expect(alice.page.locator("[data-result-list] a").first).to_be_visible()


def _show_settings(alice: Person, bob: Person) -> None:
    alice.visit("/settings")
    expect(alice.page.locator("[data-device]").first).to_be_visible()


# In this order: each goes on from the one before.
SCREENS = {
    "login": _show_login,
    "conversations": _show_conversations,
    "conversation": _show_conversation,
    "search": _show_search,
    "settings": _show_settings,
}


def _at_browser(
    up: Up, browser: Browser, account: str, size: tuple[int, int], color_scheme: str
) -> Person:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=color_scheme,  # type: ignore[arg-type]
        locale="en-GB",
    )
    return Person(context, up.url, account)


def _make_past(home: Path) -> None:
    database = Database(f"sqlite:///{home}/katydid.db")
    with database.writing() as session:
        session.add_all(_account(name, shown_as) for name, shown_as in PEOPLE.items())
        session.flush()
        for peer, said in {"bob": WITH_BOB, **OTHERS}.items():
            _say(session, peer, said)
    database.close()


def _account(name: str, shown_as: str) -> Account:
    hashed = quick_hash(PASSWORD)
    return Account(name=name, display_name=shown_as, password_hash=hashed, created_at=now())


def _say(session: Session, peer: str, said: list[tuple[str, str, int]]) -> None:
    ids = {name: _id(session, name) for name in ("alice", peer)}
    key = direct_key(*ids.values())
    conversation = Conversation(key=key, last_seq=len(said))
    session.add(conversation)
    session.flush()
    assert conversation.id is not None
    for account in ids.values():
        read = 0 if peer == "greenhouse" else len(said)
        session.add(
            Member(
                conversation_id=conversation.id,
                account_id=account,
                delivered_seq=len(said),
                read_seq=read,
            )
        )
    for seq, (sender, text, minutes) in zip(count(1), said, strict=False):
        session.add(
            Message(
                conversation_id=conversation.id,
                seq=seq,
                sender_id=ids[sender],
                client_id=f"past-{seq}",
                body=text,
                stored_at=_minutes_ago(minutes),
            )
        )


def _id(session: Session, name: str) -> int:
    account = account_named(session, name)
    assert account is not None
    assert account.id is not None
    return account.id


def _minutes_ago(minutes: int) -> datetime:
    return now() - timedelta(minutes=minutes)


if __name__ == "__main__":
    main()
