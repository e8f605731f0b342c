"""Who looks after a conversation"""

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"


def upgrade() -> None:
    op.create_table(
        "assignments",
        sa.Column("chat", sa.String(length=80), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("assigned", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("chat", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_assignments_account_id"), "assignments", ["account_id"])
