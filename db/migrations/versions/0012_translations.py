"""Operators' work on an entry may be a translation, which has a language"""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    op.add_column(
        "curations",
        sa.Column("language", sa.String(length=8), nullable=False, server_default=""),
    )
