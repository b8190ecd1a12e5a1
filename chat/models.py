"""The tables. Beside each column and index stands its reason, where the name does not say it.

What can be done with each is in the module of its name (`accounts.py`, `devices.py`, …); the
tables change only through a new file in `migrations/`.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel

from chat.times import UtcMilliseconds

# SQLite gives an automatic number only to a column declared INTEGER, PostgreSQL wants 8 bytes.
_Id = BigInteger().with_variant(Integer(), "sqlite")


class Account(SQLModel, table=True):
    """A person or a thing that can be written to. Names are never given out twice."""

    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    name: str = Field(max_length=32, unique=True)
    display_name: str = Field(max_length=64)
    # person or thing; never changes.
    kind: str = Field(default="person", max_length=8)
    # Whose thing it is; null for a person. Never changes. The index serves "an owner's things".
    owner_id: int | None = Field(
        default=None, foreign_key="account.id", index=True, sa_type=_Id, nullable=True
    )
    # That of a thing is no hash, and opens nothing.
    password_hash: str = Field(max_length=255)
    created_at: datetime = Field(sa_type=UtcMilliseconds)
    # When its last connection ended; null until the first one has.
    last_seen_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)
    # Whether others are not told that it is online, or writing; nor it of them.
    hides_presence: bool = Field(default=False)
    # When that was last changed: what is announced first after it tells the others.
    presence_switched_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)
    # Whether others are not told what it has read; nor it of them.
    hides_read: bool = Field(default=False)
    # Whether who writes to it for the first time is to be accepted first.
    asks_first: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # From then on it is nobody any more; the row stays, since its name is never given out again.
    deleted_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)
    # Whether it looks after all accounts.
    is_admin: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # From then on it can do nothing, until it is enabled again; its things with it.
    disabled_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds, nullable=True)


class Device(SQLModel, table=True):
    """One browser, phone or program of an account, with its own broker credential."""

    # Random, since it is half of the broker user name: one cannot guess another's.
    id: str = Field(primary_key=True, max_length=16)
    # The index serves the list of an account's devices.
    account_id: int = Field(foreign_key="account.id", index=True, sa_type=_Id)
    name: str = Field(max_length=64)
    kind: str = Field(max_length=8)
    # Part of what the secret is derived from: a higher one is a new secret.
    generation: int = Field(default=1)
    created_at: datetime = Field(sa_type=UtcMilliseconds)
    # When it last announced itself, or asked over HTTP as itself, to the minute; null before.
    last_used_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)


class Login(SQLModel, table=True):
    """A browser that somebody has logged in with, until the login is ended."""

    # Random, since the cookie carries it.
    id: str = Field(primary_key=True, max_length=43)
    # The index serves ending all the logins of an account.
    account_id: int = Field(foreign_key="account.id", index=True, sa_type=_Id)
    # The browser's own device, with which the login ends; the index serves that.
    device_id: str | None = Field(
        default=None, foreign_key="device.id", ondelete="CASCADE", index=True, max_length=16
    )
    begun_at: datetime = Field(sa_type=UtcMilliseconds)
    # Moved when the cookie is made to last longer. The index serves whoever logs in, and forgets
    # those that are old.
    seen_at: datetime = Field(index=True, sa_type=UtcMilliseconds)
    # What it called itself then, in a few words of ours, such as "Firefox on Linux".
    browser: str = Field(max_length=64)


class SecondFactor(SQLModel, table=True):
    """What an account's authenticator app and the site both know, to agree on codes."""

    __tablename__ = "second_factor"

    account_id: int = Field(
        sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True, autoincrement=False)
    )
    # 160 random bits in base32. As it is, since each code is computed from it.
    secret: str = Field(max_length=32)
    # Null until a code has shown that the app has it: before, no code is asked for.
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)
    # The time step of the newest code that was used; none of it, or before it, is taken again.
    last_step: int = Field(default=0, sa_type=BigInteger)


class RecoveryCode(SQLModel, table=True):
    """A code for who has lost the app, until it is used."""

    __tablename__ = "recovery_code"

    account_id: int = Field(
        sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True, autoincrement=False)
    )
    # Of the code, which nobody keeps but whom it was shown to.
    digest: str = Field(primary_key=True, max_length=43)


class Conversation(SQLModel, table=True):
    """What members say to each other, as one log numbered by `seq` without a gap."""

    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    kind: str = Field(default="direct", max_length=8)
    # Makes a direct conversation unique: the two account ids, the lower one first.
    key: str = Field(max_length=48, unique=True)
    # The number of the newest message; moved only by the transaction that inserts it.
    last_seq: int = Field(default=0, sa_type=BigInteger)


class Member(SQLModel, table=True):
    """An account's place in a conversation: how far it has received and read."""

    # Serves "the conversations of an account".
    __table_args__ = (Index("ix_member_account", "account_id", "conversation_id"),)

    conversation_id: int = Field(
        sa_column=Column(_Id, ForeignKey("conversation.id"), primary_key=True)
    )
    account_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    delivered_seq: int = Field(default=0, sa_type=BigInteger)
    read_seq: int = Field(default=0, sa_type=BigInteger)
    # Whether its page stays quiet about new messages.
    muted: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # Whether it stands above all others in the list.
    pinned: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    # The newest message when it was put aside; a later one brings it back, so that the bridge
    # need not write here. Null when it was not put aside.
    archived_seq: int | None = Field(default=None, sa_type=BigInteger)
    # For how many days it wants messages to be kept; null for as long as the others do.
    keep_days: int | None = Field(default=None)


class Message(SQLModel, table=True):
    """One message as it was archived: a text, or what was done to one later (an edit, an unsend, a
    reaction), which is a row of its own. Without a rowid, SQLite keeps a conversation's messages
    side by side in the order of `seq`, so that a page of history is one short walk."""

    __table_args__ = (
        # Nothing is doubled, for ever; begins with the conversation, so that the table can be
        # distributed by it.
        UniqueConstraint("conversation_id", "sender_id", "client_id", name="uq_message_client_id"),
        # Serves "what was done to these texts, of each kind and member the newest", each in one
        # step (`changes.py`); a text is not in it, so it costs a send nothing.
        Index(
            "ix_message_change",
            "conversation_id",
            "target_seq",
            "kind",
            "sender_id",
            "seq",
            sqlite_where=text("target_seq IS NOT NULL"),
            postgresql_where=text("target_seq IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    conversation_id: int = Field(
        sa_column=Column(_Id, ForeignKey("conversation.id"), primary_key=True, autoincrement=False)
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    sender_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), nullable=False))
    # The id that the sender gave; unique only among this sender's messages in the conversation.
    client_id: str = Field(max_length=64)
    # text, edit, unsend or reaction.
    kind: str = Field(default="text", max_length=16)
    # The text, an edit's new text, a reaction's emoji ("" takes it away); "" for an unsend. A text
    # that was unsent is "" too, as are its edits; no other text is.
    body: str = Field(sa_type=Text)
    # What the sender's clock said; never used for order.
    sent_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)
    stored_at: datetime = Field(sa_type=UtcMilliseconds)
    # The text that an edit, an unsend or a reaction is about; null for a text.
    target_seq: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    # The text that a text answers; null where it answers none.
    reply_to_seq: int | None = Field(default=None, sa_type=BigInteger, nullable=True)


class SearchText(SQLModel, table=True):
    """What a text says now, as it is searched; a text that says nothing has none. It can be made
    anew from the messages at any time, and is not bound to them: on SQLite it is in a file of its
    own (`search_file.py`). What finds in it is in the migrations, and in `search_file.py`."""

    __tablename__ = "search_text"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq", name="uq_search_text_seq"),
        # Serves "the newest texts of a conversation", to look at each.
        Index("ix_search_text_newest", "conversation_id", "id"),
    )

    # Made of when it was stored, so that newer ones have higher ones (`indexing.py`).
    id: int = Field(sa_column=Column(_Id, primary_key=True, autoincrement=False))
    conversation_id: int = Field(sa_column=Column(_Id, nullable=False))
    seq: int = Field(sa_type=BigInteger)
    # Tokens of the members, by whom it may be found, then the text (`folding.py`).
    folded: str = Field(sa_type=Text)


class SearchProgress(SQLModel, table=True):
    """Up to which seq a conversation is in `search_text`; none of it without a row."""

    __tablename__ = "search_progress"

    conversation_id: int = Field(sa_column=Column(_Id, primary_key=True, autoincrement=False))
    seq: int = Field(sa_type=BigInteger)


class Block(SQLModel, table=True):
    """`account` does not want to hear from `blocked`."""

    account_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    blocked_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    created_at: datetime = Field(sa_type=UtcMilliseconds)


class MessageRequest(SQLModel, table=True):
    """`sender` has begun to write to `account`, which asks to be asked first, and has neither
    answered nor accepted yet. Gone with either."""

    __tablename__ = "message_request"

    account_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    sender_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    created_at: datetime = Field(sa_type=UtcMilliseconds)


class Allowance(SQLModel, table=True):
    """The owner of `thing` lets `allowed` talk with it, besides himself."""

    thing_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    allowed_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    created_at: datetime = Field(sa_type=UtcMilliseconds)


class Invitation(SQLModel, table=True):
    """A link with which one account can be registered, once, before it expires."""

    # SHA-256 of what the link says: who reads this table cannot register.
    digest: str = Field(primary_key=True, max_length=43)
    # Null when it was made on the command line; the index serves an account's list.
    inviter_id: int | None = Field(
        default=None, foreign_key="account.id", index=True, sa_type=_Id, nullable=True
    )
    created_at: datetime = Field(sa_type=UtcMilliseconds)
    expires_at: datetime = Field(sa_type=UtcMilliseconds)
    # The account that it became; null until then.
    used_by_id: int | None = Field(
        default=None, foreign_key="account.id", sa_type=_Id, nullable=True
    )


class PasswordReset(SQLModel, table=True):
    """A link with which an account's password can be made anew, once, before it expires."""

    __tablename__ = "password_reset"

    # An account has one: a newer link takes the place of the one before.
    account_id: int = Field(
        sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True, autoincrement=False)
    )
    # SHA-256 of what the link says, as that of an invitation.
    digest: str = Field(max_length=43, unique=True)
    expires_at: datetime = Field(sa_type=UtcMilliseconds)


class Report(SQLModel, table=True):
    """What an account has told the admins of another, and what they made of it."""

    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    # The index serves the count of those that are open.
    reporter_id: int = Field(foreign_key="account.id", index=True, sa_type=_Id)
    reported_id: int = Field(foreign_key="account.id", sa_type=_Id)
    reason: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcMilliseconds)
    # Null while it is open. The index serves the list, open ones first.
    closed_at: datetime | None = Field(
        default=None, index=True, sa_type=UtcMilliseconds, nullable=True
    )


class ReportedMessage(SQLModel, table=True):
    """A text as it was when it was reported; kept until the report is closed, whatever becomes of
    the message."""

    __tablename__ = "reported_message"

    report_id: int = Field(
        sa_column=Column(
            _Id, ForeignKey("report.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    text: str = Field(sa_type=Text)
    stored_at: datetime = Field(sa_type=UtcMilliseconds)


class AuditLine(SQLModel, table=True):
    """One act of an admin. Never changed, never deleted."""

    __tablename__ = "audit_line"

    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    at: datetime = Field(sa_type=UtcMilliseconds)
    # Null for the command line.
    admin_id: int | None = Field(default=None, foreign_key="account.id", sa_type=_Id, nullable=True)
    act: str = Field(max_length=32)
    # Whom it concerned.
    account_id: int | None = Field(
        default=None, foreign_key="account.id", sa_type=_Id, nullable=True
    )
    # What else there is to tell, such as the number of the report.
    detail: str = Field(default="", max_length=200)


class Deletion(SQLModel, table=True):
    """An account that was deleted, or is being: what is to be erased, and what was so far."""

    account_id: int = Field(
        sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True, autoincrement=False)
    )
    erases_messages: bool
    began_at: datetime = Field(sa_type=UtcMilliseconds)
    # Null as long as something is left to do, by whoever comes to it.
    finished_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)
    # Counted in the transactions that erase.
    devices: int = Field(default=0)
    logins: int = Field(default=0)
    blocks: int = Field(default=0)
    invitations: int = Field(default=0)
    things: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    # Those that were texts.
    messages: int = Field(default=0)


class Presence(SQLModel, table=True):
    """A connection that said it is online. An account is online while it has one of them."""

    account_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    # Chosen by the client for one connection, so that the late will of an old one is told apart.
    connection: str = Field(primary_key=True, max_length=64)
    since_at: datetime = Field(sa_type=UtcMilliseconds)


class PushSubscription(SQLModel, table=True):
    """Where a browser is told of messages while no page of ours is open (RFC 8030)."""

    __tablename__ = "push_subscription"

    device_id: str = Field(
        primary_key=True, foreign_key="device.id", ondelete="CASCADE", max_length=16
    )
    # The index serves the bridge, which asks of each recipient whether there is any.
    account_id: int = Field(foreign_key="account.id", index=True, sa_type=_Id)
    # A browser has one, whoever is logged in there.
    endpoint: str = Field(max_length=1024, unique=True)
    # The browser's public key and its secret, base64url, with which what it is told is encrypted.
    p256dh: str = Field(max_length=88)
    auth: str = Field(max_length=24)
    created_at: datetime = Field(sa_type=UtcMilliseconds)


class Notification(SQLModel, table=True):
    """What an account's browsers are to be told, or were told, of a conversation. Written by the
    bridge, for accounts with a push subscription alone; gone when all was read."""

    conversation_id: int = Field(
        sa_column=Column(_Id, ForeignKey("conversation.id"), primary_key=True)
    )
    account_id: int = Field(sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True))
    # Since when there is something to tell; null when there is nothing. The index serves whoever
    # looks for what is due, as the next one does.
    due_at: datetime | None = Field(default=None, index=True, sa_type=UtcMilliseconds)
    # While one is telling it; when that time is over, another may.
    claimed_until_at: datetime | None = Field(default=None, index=True, sa_type=UtcMilliseconds)
    # The newest message that was told; 0 when none was.
    told_seq: int = Field(default=0, sa_type=BigInteger)
    # How often in a row a push service could not be reached.
    failures: int = Field(default=0)


class Shard(SQLModel, table=True):
    """The lease of a shard: which bridge may serve it. The rows are there from the first."""

    shard: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    # Null when it was given back, and before anybody took it.
    worker: str | None = Field(default=None, max_length=64)
    # Higher with each new holder, so that an old one is told apart.
    number: int = Field(default=0, sa_type=BigInteger)
    # By the database's clock, as all times of this table.
    expires_at: datetime = Field(sa_type=UtcMilliseconds)
    # When its session was last known to be open; null before the first time.
    served_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)


class LeaseTerm(SQLModel, table=True):
    """From when to when a bridge held a shard: who received a message is read from here. A row is
    made, and one ended, only when a shard changes hands; times by the database's clock."""

    __tablename__ = "lease_term"

    shard: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    # That of the lease.
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    worker: str = Field(max_length=64)
    began_at: datetime = Field(sa_type=UtcMilliseconds)
    # Null while it lasts, and when it ran out and nobody has taken the shard since.
    ended_at: datetime | None = Field(default=None, sa_type=UtcMilliseconds)


class RefusedCopy(SQLModel, table=True):
    """A copy of a message that the broker did not take for delivery to an account. Rare: a node of
    a cluster is away. The account fetches the message when it sees the gap."""

    __tablename__ = "refused_copy"

    conversation_id: int = Field(
        sa_column=Column(_Id, ForeignKey("conversation.id"), primary_key=True, autoincrement=False)
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    account_id: int = Field(
        sa_column=Column(_Id, ForeignKey("account.id"), primary_key=True, autoincrement=False)
    )
    # The broker's reason code (MQTT 5.0, section 2.4), such as 0x83.
    reason: int
    refused_at: datetime = Field(sa_type=UtcMilliseconds)


class BridgeWorker(SQLModel, table=True):
    """A bridge that runs, so that shards can be shared evenly among all of them."""

    __tablename__ = "bridge_worker"

    name: str = Field(primary_key=True, max_length=64)
    # The shards that it may serve, as hexadecimal digits.
    shards: str = Field(max_length=16)
    expires_at: datetime = Field(sa_type=UtcMilliseconds)


class Chore(SQLModel, table=True):
    """Work that is done now and then, by one process at a time: when it is due again. Who does it
    moves that on, so that another takes over where it died. By the database's clock."""

    name: str = Field(primary_key=True, max_length=32)
    due_at: datetime = Field(sa_type=UtcMilliseconds)


class RateLimit(SQLModel, table=True):
    """How often something limited was tried in a window of time; shared by all web workers."""

    __tablename__ = "rate_limit"

    key: str = Field(primary_key=True, max_length=255)
    count: int
    # The index serves whoever sweeps up what has ended, as each new window does.
    expires_at: datetime = Field(index=True, sa_type=UtcMilliseconds)
