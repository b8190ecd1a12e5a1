"""An archive with something in every table, and texts of every kind."""

from sqlmodel import Session, insert

from chat.models import (
    Account,
    Block,
    Conversation,
    Deletion,
    Device,
    Invitation,
    Login,
    Member,
    Message,
    Notification,
    Presence,
    PushSubscription,
)
from chat.times import now

MESSAGES = 3_000
BODIES = [
    "hello",
    "🦗 says \u200d zirp 👩\u200d👩\u200d👧",
    "tabs\tand\nlines\r\nand \\N, \\. and \\\\ too",
    "",
    "مرحبا – 漢字 – ünï",
    "x" * 4_000,
    " \u2028 \x01 \x7f ",
]


def fill(session: Session) -> None:
    """Alice and Bob with all that one can have, and a long conversation."""
    at = now()
    for id, name in ((7, "alice"), (8, "dave"), (9, "bob")):
        account = Account(
            id=id, name=name, display_name=f"{name} 🦗", password_hash="!", created_at=at
        )
        account.hides_read = name == "bob"
        session.add(account)
    session.flush()
    session.add(Invitation(digest="a digest", inviter_id=7, created_at=at, expires_at=at))
    session.add(Deletion(account_id=8, erases_messages=True, began_at=at))
    session.add(Device(id="abcdefghijkl", account_id=7, name="Ünï", kind="thing", created_at=at))
    session.add(Conversation(id=41, key="7:9", last_seq=MESSAGES))
    session.add(Block(account_id=7, blocked_id=9, created_at=at))
    session.add(Presence(account_id=9, connection="abc-1", since_at=at))
    session.flush()
    session.add(Login(id="a login", account_id=7, device_id="abcdefghijkl", seen_at=at))
    session.add(Login(id="Another", account_id=9, device_id=None, seen_at=at))
    session.add_all(Member(conversation_id=41, account_id=id, read_seq=5) for id in (7, 9))
    session.flush()
    session.add(
        PushSubscription(
            device_id="abcdefghijkl",
            account_id=7,
            endpoint="https://push.example.com/a",
            p256dh="a key",
            auth="a secret",
            created_at=at,
        )
    )
    session.add(Notification(conversation_id=41, account_id=7, due_at=at))
    messages = [
        {
            "conversation_id": 41,
            "seq": seq,
            "sender_id": 7 if seq % 2 else 9,
            "client_id": f"m{seq}",
            "kind": "text",
            "body": BODIES[seq % len(BODIES)],
            "sent_at": at if seq % 3 else None,
            "stored_at": at,
            "target_seq": None,
            "reply_to_seq": seq - 1 if seq % 5 == 0 else None,
        }
        for seq in range(1, MESSAGES + 1)
    ]
    for message, kind in zip(messages[100:400], 100 * ("edit", "unsend", "reaction"), strict=True):
        message |= {"kind": kind, "target_seq": 1, "reply_to_seq": None}
    session.execute(insert(Message), messages)
