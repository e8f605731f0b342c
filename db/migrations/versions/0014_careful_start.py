"""Answers may wait for an operator, by rules that operators set"""

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"


def upgrade() -> None:
    op.create_table(
        "careful_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sure", sa.String(length=8), nullable=False),
        sa.Column("unsure", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_careful_rules")),
    )
    op.create_table(
        "drafts",
        sa.Column("answer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chat", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("edited", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("agreement", sa.String(length=16), nullable=False),
        sa.Column("settled", sa.Double(), nullable=True),
        sa.Column("sent_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["answers.id"],
            name=op.f("fk_drafts_answer_id_answers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_chat"), "drafts", ["chat"])
    op.create_index(op.f("ix_drafts_agreement"), "drafts", ["agreement"])
    op.add_column(
        "telegram_handovers",
        sa.Column("for_draft", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
