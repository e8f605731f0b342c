"""Pages of the web that documents come from: what a server said of each the last time."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Repository, record


class SourcePageRow(Base):
    """One page of a source."""

    __tablename__ = "source_pages"
    __table_args__ = (UniqueConstraint("source", "url"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(2048))
    doc_id: Mapped[str] = mapped_column(String(1024))
    sha256: Mapped[str] = mapped_column(String(64))
    etag: Mapped[str] = mapped_column(String(255))
    last_modified: Mapped[str] = mapped_column(String(255))
    misses: Mapped[int]


@dataclass(frozen=True, slots=True)
class PageState:
    """A page as it was last seen."""

    url: str
    doc_id: str
    sha256: str = ""
    """Of the body that `etag` and `last_modified` belong to."""
    etag: str = ""
    last_modified: str = ""
    misses: int = 0
    """How many times in a row the server said that it is gone."""


class PageRepository(Repository):
    """Stores pages by source."""

    async def list(self, source: str) -> Mapping[str, PageState]:
        """Return the pages of a source by URL."""
        rows = await self._all(select(SourcePageRow).where(SourcePageRow.source == source))
        return {row.url: record(PageState, row) for row in rows}

    async def replace(self, source: str, pages: Iterable[PageState]) -> None:
        """Remember exactly these pages of a source."""
        async with self._database.session() as session:
            await session.execute(delete(SourcePageRow).where(SourcePageRow.source == source))
            session.add_all(SourcePageRow(source=source, **asdict(page)) for page in pages)
