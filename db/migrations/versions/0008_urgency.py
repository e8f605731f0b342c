"""Answers and conversations say whether the customer was angry or in danger"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("answers", "telegram_handovers")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(
            table, sa.Column("urgency", sa.String(length=8), nullable=False, server_default="")
        )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "urgency")
