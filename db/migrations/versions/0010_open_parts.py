"""Open questions may be a part of a message whose rest was answered"""

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    op.add_column("open_questions", sa.Column("part", sa.Text(), nullable=False, server_default=""))
