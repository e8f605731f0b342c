"""In which language somebody reads the console"""

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"


def upgrade() -> None:
    op.add_column(
        "accounts", sa.Column("language", sa.String(length=16), nullable=False, server_default="")
    )
