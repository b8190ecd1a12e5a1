"""Admins: who is one, whom they have disabled, what was reported to them, and what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "account", sa.Column("is_admin", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("account", sa.Column("disabled_at", sa.BigInteger))
    op.create_table(
        "password_reset",
        sa.Column(
            "account_id", _ID, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("digest", sa.String(43), nullable=False, unique=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "report",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("reporter_id", _ID, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("reported_id", _ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, index=True),
    )
    op.create_table(
        "reported_message",
        sa.Column(
            "report_id",
            _ID,
            sa.ForeignKey("report.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "audit_line",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("admin_id", _ID, sa.ForeignKey("account.id")),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id")),
        sa.Column("detail", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    for table in ("audit_line", "reported_message", "report", "password_reset"):
        op.drop_table(table)
    op.drop_column("account", "disabled_at")
    op.drop_column("account", "is_admin")
