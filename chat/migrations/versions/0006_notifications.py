"""Browsers are told of messages while no page is open."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "push_subscription",
        sa.Column(
            "device_id",
            sa.String(16),
            sa.ForeignKey("device.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("endpoint", sa.String(1024), nullable=False, unique=True),
        sa.Column("p256dh", sa.String(88), nullable=False),
        sa.Column("auth", sa.String(24), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_push_subscription_account_id", "push_subscription", ["account_id"])
    op.create_table(
        "notification",
        *(
            sa.Column(
                f"{table}_id",
                _ID,
                sa.ForeignKey(f"{table}.id"),
                primary_key=True,
                autoincrement=False,
            )
            for table in ("conversation", "account")
        ),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("claimed_until_at", sa.BigInteger),
        sa.Column("told_seq", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    for column in ("due_at", "claimed_until_at"):
        op.create_index(f"ix_notification_{column}", "notification", [column])


def downgrade() -> None:
    op.drop_table("notification")
    op.drop_table("push_subscription")
