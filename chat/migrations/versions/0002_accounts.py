"""What one can do with one's account: hide, invite, delete; and when a device was last used."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for switch in ("hides_presence", "hides_read"):
        column = sa.Column(switch, sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column("account", column)
    for time in ("presence_switched_at", "deleted_at"):
        op.add_column("account", sa.Column(time, sa.BigInteger))
    op.add_column("device", sa.Column("last_used_at", sa.BigInteger))
    op.create_index("ix_login_account_id", "login", ["account_id"])
    op.create_table(
        "invitation",
        sa.Column("digest", sa.String(43), primary_key=True),
        sa.Column("inviter_id", _ID, sa.ForeignKey("account.id")),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_by_id", _ID, sa.ForeignKey("account.id")),
    )
    op.create_index("ix_invitation_inviter_id", "invitation", ["inviter_id"])
    op.create_table(
        "deletion",
        sa.Column(
            "account_id", _ID, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("erases_messages", sa.Boolean, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        *(
            sa.Column(counted, sa.Integer, nullable=False)
            for counted in ("devices", "logins", "blocks", "invitations", "messages")
        ),
    )


def downgrade() -> None:
    op.drop_table("deletion")
    op.drop_table("invitation")
    op.drop_index("ix_login_account_id", "login")
    op.drop_column("device", "last_used_at")
    for column in ("hides_presence", "hides_read", "presence_switched_at", "deleted_at"):
        op.drop_column("account", column)
