"""Where migrations begin: the tables that `db.migrate` gave a database of this schema"""

revision: str = "0015"
down_revision: str | None = None


def upgrade() -> None:
    pass
