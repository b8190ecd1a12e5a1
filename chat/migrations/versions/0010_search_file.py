"""The index of texts is not bound to the archive: on SQLite it is a file of its own, which makes
itself (`chat/search_file.py`); on PostgreSQL its tables no longer refer to the conversations'."""

from alembic import op

from chat import search_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = ("search_text", "search_progress")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ("search_run", *_TABLES):
            op.drop_table(table, if_exists=True)
        return
    for table in _TABLES:
        op.drop_constraint(_foreign_key_of(table), table)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in search_file.statements():
            op.execute(statement)
        return
    for table in _TABLES:
        op.create_foreign_key(
            _foreign_key_of(table), table, "conversation", ["conversation_id"], ["id"]
        )


def _foreign_key_of(table: str) -> str:
    return f"{table}_conversation_id_fkey"
