"""Uploads come from the console, too"""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"

_INDEXED = ("customer", "state")


def upgrade() -> None:
    for column in _INDEXED:
        op.drop_index(f"ix_telegram_uploads_{column}", table_name="telegram_uploads")
    op.rename_table("telegram_uploads", "uploads")
    # What is there came from Telegram; new rows always say where they came from.
    op.add_column(
        "uploads",
        sa.Column("channel", sa.String(length=8), nullable=False, server_default="telegram"),
    )
    op.add_column("uploads", sa.Column("columns", sa.Text(), nullable=False, server_default=""))
    op.add_column("uploads", sa.Column("outcome", sa.JSON(), nullable=False, server_default="{}"))
    for column in _INDEXED:
        op.create_index(f"ix_uploads_{column}", "uploads", [column])
