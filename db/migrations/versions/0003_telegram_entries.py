"""Entries and drafts that operators write in Telegram"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


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


def downgrade() -> None:
    with op.batch_alter_table("telegram_uploads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_telegram_uploads_customer"))
        batch_op.drop_column("customer")
        batch_op.drop_column("entry")
        batch_op.drop_column("thread_id")

    with op.batch_alter_table("telegram_handovers", schema=None) as batch_op:
        batch_op.drop_column("answer")
        batch_op.drop_column("found")
        batch_op.drop_column("draft_sent")

    op.drop_table("telegram_awaited")
