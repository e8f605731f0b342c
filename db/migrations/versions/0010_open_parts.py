"""Open questions may be a part of a message whose rest was answered"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("open_questions", sa.Column("part", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("open_questions", "part")
