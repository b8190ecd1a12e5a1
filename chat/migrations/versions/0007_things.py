"""Accounts of things: whose each is, and whom its owner allows to talk with it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Inline, since SQLite adds no constraint to a table that is there.
    owner = sa.Column("owner_id", _ID, sa.ForeignKey("account.id"))
    op.add_column("account", owner, inline_references=True)
    op.create_index("ix_account_owner_id", "account", ["owner_id"])
    op.create_table(
        "allowance",
        *(
            sa.Column(
                column, _ID, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False
            )
            for column in ("thing_id", "allowed_id")
        ),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    things = sa.Column("things", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("deletion", things)


def downgrade() -> None:
    op.drop_column("deletion", "things")
    op.drop_table("allowance")
    op.drop_index("ix_account_owner_id", "account")
    op.drop_column("account", "owner_id")
