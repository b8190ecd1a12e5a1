"""What is done to a text later: an edit, an unsend or a reaction points to it, as a reply does."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("target_seq", "reply_to_seq"):
        op.add_column("message", sa.Column(column, sa.BigInteger))
    op.create_index(
        "ix_message_target",
        "message",
        ["conversation_id", "target_seq", "seq"],
        sqlite_where=sa.text("target_seq IS NOT NULL"),
        postgresql_where=sa.text("target_seq IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_message_target", "message")
    for column in ("target_seq", "reply_to_seq"):
        op.drop_column("message", column)
