"""What was done to a text is found by kind and member, the newest first: one step for each of them,
however often somebody has changed a reaction. What a login sweeps up has an index of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OF_CHANGES_ALONE = sa.text("target_seq IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_message_target", "message")
    op.create_index(
        "ix_message_change",
        "message",
        ["conversation_id", "target_seq", "kind", "sender_id", "seq"],
        sqlite_where=_OF_CHANGES_ALONE,
        postgresql_where=_OF_CHANGES_ALONE,
    )
    op.create_index("ix_login_seen_at", "login", ["seen_at"])
    op.create_index("ix_rate_limit_expires_at", "rate_limit", ["expires_at"])


def downgrade() -> None:
    op.drop_index("ix_rate_limit_expires_at", "rate_limit")
    op.drop_index("ix_login_seen_at", "login")
    op.drop_index("ix_message_change", "message")
    op.create_index(
        "ix_message_target",
        "message",
        ["conversation_id", "target_seq", "seq"],
        sqlite_where=_OF_CHANGES_ALONE,
        postgresql_where=_OF_CHANGES_ALONE,
    )
