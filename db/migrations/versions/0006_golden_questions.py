"""Golden questions"""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    op.create_table(
        "golden_questions",
        sa.Column("golden_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("refuse", sa.Boolean(), nullable=False),
        sa.Column("document", sa.String(length=1024), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("golden_id", name=op.f("pk_golden_questions")),
    )
