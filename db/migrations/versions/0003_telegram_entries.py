"""Entries and drafts that operators write in Telegram"""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    op.create_table(
        "telegram_awaited",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("thread_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("update_id", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "user_id", "chat_id", "thread_id", name=op.f("pk_telegram_awaited")
        ),
    )
    with op.batch_alter_table("telegram_handovers", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("draft_sent", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.add_column(sa.Column("found", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("answer", sa.Text(), nullable=False, server_default=""))

    with op.batch_alter_table("telegram_uploads", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("thread_id", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.add_column(sa.Column("entry", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(
            sa.Column("customer", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.create_index(
            batch_op.f("ix_telegram_uploads_customer"), ["customer"], unique=False
        )
