"""For how long messages are kept: what a member wants of a conversation, and whose turn it is to
delete what is older."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("member", sa.Column("keep_days", sa.Integer))
    op.create_table(
        "chore",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("due_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("chore")
    op.drop_column("member", "keep_days")
