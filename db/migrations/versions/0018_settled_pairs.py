"""Pairs of texts that operators looked at and left as they are"""

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"


def upgrade() -> None:
    op.create_table(
        "settled_pairs",
        sa.Column("chunk_id", sa.String(length=32), nullable=False),
        sa.Column("other_chunk_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("chunk_id", "other_chunk_id", name=op.f("pk_settled_pairs")),
    )
