"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(32), nullable=False, unique=True),
        sa.Column("display_name", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_device_account_id", "device", ["account_id"])
    op.create_table(
        "login",
        sa.Column("id", sa.String(43), primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("device_id", sa.String(16), sa.ForeignKey("device.id", ondelete="CASCADE")),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_login_device_id", "login", ["device_id"])
    op.create_table(
        "conversation",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("key", sa.String(48), nullable=False, unique=True),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "member",
        sa.Column("conversation_id", _ID, sa.ForeignKey("conversation.id"), primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("delivered_seq", sa.BigInteger, nullable=False),
        sa.Column("read_seq", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_member_account", "member", ["account_id", "conversation_id"])
    op.create_table(
        "message",
        sa.Column(
            "conversation_id",
            _ID,
            sa.ForeignKey("conversation.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sender_id", _ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint(
            "conversation_id", "sender_id", "client_id", name="uq_message_client_id"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "block",
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("blocked_id", _ID, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "presence",
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("connection", sa.String(64), primary_key=True),
        sa.Column("since_at", sa.BigInteger, nullable=False),
    )
    shards = op.create_table(
        "shard",
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("worker", sa.String(64)),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("served_at", sa.BigInteger),
    )
    free = [{"shard": shard, "number": 0, "expires_at": 0} for shard in range(16)]
    op.bulk_insert(shards, free)
    op.create_table(
        "bridge_worker",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("shards", sa.String(16), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "rate_limit",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in (
        "rate_limit",
        "bridge_worker",
        "shard",
        "presence",
        "block",
        "message",
        "member",
        "conversation",
        "login",
        "device",
        "account",
    ):
        op.drop_table(table)
