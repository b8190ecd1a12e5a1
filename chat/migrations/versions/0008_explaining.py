"""Which bridge held which shard when, and which copies the broker refused: what `explain` tells."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lease_term",
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("worker", sa.String(64), nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_table(
        "refused_copy",
        sa.Column(
            "conversation_id",
            _ID,
            sa.ForeignKey("conversation.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "account_id", _ID, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("reason", sa.Integer, nullable=False),
        sa.Column("refused_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("refused_copy")
    op.drop_table("lease_term")
