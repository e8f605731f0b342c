"""Operators, hand-over and uploads in Telegram"""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    op.create_table(
        "telegram_audit",
        sa.Column("audit_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_telegram_audit")),
    )
    with op.batch_alter_table("telegram_audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_telegram_audit_at"), ["at"], unique=False)

    op.create_table(
        "telegram_canned",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_telegram_canned")),
    )
    op.create_table(
        "telegram_mirrors",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer", sa.BigInteger(), nullable=False),
        sa.Column("copy_chat_id", sa.BigInteger(), nullable=False),
        sa.Column("copy_message_id", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "message_id", name=op.f("pk_telegram_mirrors")),
    )
    with op.batch_alter_table("telegram_mirrors", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_telegram_mirrors_customer"), ["customer"], unique=False
        )

    op.create_table(
        "telegram_operator_codes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_telegram_operator_codes")),
    )
    op.create_table(
        "telegram_operators",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("added", sa.Double(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_telegram_operators")),
    )
    op.create_table(
        "telegram_team",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_telegram_team")),
    )
    op.create_table(
        "telegram_uploads",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_telegram_uploads")),
    )
    with op.batch_alter_table("telegram_uploads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_telegram_uploads_state"), ["state"], unique=False)

    with op.batch_alter_table("telegram_chats", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("banned", sa.Boolean(), nullable=False, server_default=sa.false())
        )

    with op.batch_alter_table("telegram_handovers", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("thread_id", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.add_column(
            sa.Column("card_id", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.add_column(
            sa.Column("holder", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.add_column(sa.Column("draft", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column("language", sa.String(length=8), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("rating", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index(
            batch_op.f("ix_telegram_handovers_thread_id"), ["thread_id"], unique=False
        )
