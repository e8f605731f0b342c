"""Open questions know what answered them and which are merged; answers, whether hedged"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "answers", sa.Column("hedged", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("open_questions", sa.Column("change", sa.Integer()))
    op.add_column("open_questions", sa.Column("same_as", sa.Integer()))


def downgrade() -> None:
    op.drop_column("open_questions", "same_as")
    op.drop_column("open_questions", "change")
    op.drop_column("answers", "hedged")
