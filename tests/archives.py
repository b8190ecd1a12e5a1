"""An archive with something in every table, and texts of every kind."""

from sqlmodel import Session, insert

from chat.models import (
    Account,
    Allowance,
    Block,
    Chore,
    Conversation,
    Deletion,
    Device,
    Invitation,
    LeaseTerm,
    Login,
    Member,
    Message,
    Notification,
    Presence,
    PushSubscription,
    RecoveryCode,
    RefusedCopy,
    SecondFactor,
    Shard,
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
    session.add(
        Account(
            id=6,
            name="lamp",
            display_name="Lamp",
            kind="thing",
            owner_id=7,
            password_hash="!",
            created_at=at,
        )
    )
    session.flush()
    session.add(Allowance(thing_id=6, allowed_id=9, created_at=at))
    session.add(Invitation(digest="a digest", inviter_id=7, created_at=at, expires_at=at))
    session.add(Deletion(account_id=8, erases_messages=True, began_at=at))
    session.add(Device(id="abcdefghijkl", account_id=7, name="Ünï", kind="thing", created_at=at))
    session.add(Conversation(id=41, key="7:9", last_seq=MESSAGES))
    session.add(Block(account_id=7, blocked_id=9, created_at=at))
    session.add(Presence(account_id=9, connection="abc-1", since_at=at))
    session.flush()
    for id, account_id, device_id in (("a login", 7, "abcdefghijkl"), ("Another", 9, None)):
        login = Login(id=id, account_id=account_id, begun_at=at, seen_at=at, browser="Firefox")
        login.device_id = device_id
        session.add(login)
    session.add(SecondFactor(account_id=7, secret="A" * 32, confirmed_at=at, last_step=59_857_429))
    session.add(SecondFactor(account_id=9, secret="B" * 32))
    session.add(RecoveryCode(account_id=7, digest="a digest"))
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
    session.get_one(Shard, 7).number = 1
    session.add(Chore(name="retention", due_at=at))
    session.add(LeaseTerm(shard=7, number=1, worker="a bridge", began_at=at))
    session.add(RefusedCopy(conversation_id=41, seq=7, account_id=9, reason=0x83, refused_at=at))
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


def fill_conversation(session: Session, one: str, other: str, messages: int) -> None:
    """The two accounts, and so many texts that they have written to each other in turn; those of
    one stretch are so long that less than a page of them goes into a packet."""
    at = now()
    members = [
        Account(name=name, display_name=name, password_hash="!", created_at=at)
        for name in (one, other)
    ]
    session.add_all(members)
    session.flush()
    ids = [member.id for member in members]
    conversation = Conversation(key=f"{ids[0]}:{ids[1]}", last_seq=messages)
    session.add(conversation)
    session.flush()
    session.add_all(Member(conversation_id=conversation.id, account_id=id) for id in ids)
    session.flush()
    session.execute(
        insert(Message),
        [
            {
                "conversation_id": conversation.id,
                "seq": seq,
                "sender_id": ids[seq % 2],
                "client_id": f"m{seq}",
                "kind": "text",
                "body": long_text(seq) if 4_000 <= seq < 4_100 else f"text {seq}",
                "stored_at": at,
            }
            for seq in range(1, messages + 1)
        ],
    )


def long_text(number: int) -> str:
    """Of 16,000 bytes or nearly."""
    return f"{number} " + 3_990 * "🦗"
