"""Message requests: who is to be accepted before more of what they write comes through."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "account", sa.Column("asks_first", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_table(
        "message_request",
        sa.Column(
            "account_id", _ID, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False
        ),
        sa.Column(
            "sender_id", _ID, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("message_request")
    op.drop_column("account", "asks_first")
