"""Pages of the web that documents come from: what a server said of each the last time."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, MappedAsDataclass, Session, mapped_column

from db.base import Base, Repository, writes


class PageState(MappedAsDataclass, Base):
    """A page of a source as it was last seen."""

    __tablename__ = "source_pages"
    __table_args__ = (UniqueConstraint("source", "url"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False, compare=False)
    source: Mapped[str] = mapped_column(String(255), init=False, compare=False)
    url: Mapped[str] = mapped_column(String(2048))
    doc_id: Mapped[str] = mapped_column(String(1024))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    """Of the body that `etag` and `last_modified` belong to."""
    etag: Mapped[str] = mapped_column(String(255), default="")
    last_modified: Mapped[str] = mapped_column(String(255), default="")
    misses: Mapped[int] = mapped_column(default=0)
    """How many times in a row the server said that it is gone."""


class PageRepository(Repository):
    """Stores pages by source."""

    async def list(self, source: str) -> Mapping[str, PageState]:
        """Return the pages of a source by URL."""
        pages = await self._all(select(PageState).where(PageState.source == source))
        return {page.url: page for page in pages}

    @writes
    def replace(self, session: Session, source: str, pages: Iterable[PageState]) -> None:
        """Remember exactly these pages of a source."""
        session.execute(delete(PageState).where(PageState.source == source))
        rows = [replace(page) for page in pages]
        for row in rows:
            row.source = source
        session.add_all(rows)
