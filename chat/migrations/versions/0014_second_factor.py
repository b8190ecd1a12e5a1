"""A second factor beside the password; and what the list of an account's logins says of each."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # The defaults are for logins that are there, of which nobody has noted it.
    begun_at = sa.Column("begun_at", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("login", begun_at)
    op.execute("UPDATE login SET begun_at = seen_at")
    browser = sa.Column("browser", sa.String(64), nullable=False, server_default="A browser")
    op.add_column("login", browser)
    op.create_table(
        "second_factor",
        _account(),
        sa.Column("secret", sa.String(32), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger),
        sa.Column("last_step", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "recovery_code", _account(), sa.Column("digest", sa.String(43), primary_key=True)
    )


def downgrade() -> None:
    op.drop_table("recovery_code")
    op.drop_table("second_factor")
    op.drop_column("login", "browser")
    op.drop_column("login", "begun_at")


def _account() -> sa.Column[int]:
    return sa.Column(
        "account_id", _ID, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False
    )
