"""Open questions know what answered them and which are merged; answers, whether hedged"""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    op.add_column(
        "answers", sa.Column("hedged", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("open_questions", sa.Column("change", sa.Integer()))
    op.add_column("open_questions", sa.Column("same_as", sa.Integer()))
