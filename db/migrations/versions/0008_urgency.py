"""Answers and conversations say whether the customer was angry or in danger"""

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"

_TABLES = ("answers", "telegram_handovers")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(
            table, sa.Column("urgency", sa.String(length=8), nullable=False, server_default="")
        )
