"""What a member prefers for a conversation: quiet, put aside, or above all others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for switch in ("muted", "pinned"):
        column = sa.Column(switch, sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column("member", column)
    op.add_column("member", sa.Column("archived_seq", sa.BigInteger))


def downgrade() -> None:
    for column in ("muted", "pinned", "archived_seq"):
        op.drop_column("member", column)
