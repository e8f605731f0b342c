"""What the knowledge base consists of: releases, the documents of each, and their sources.

A document is kept as an interval of releases: from `since` on, up to but not including `until`.
So a publish writes only what changed, and every release can still be listed exactly.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import JSON, Index, String, Text, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import PublishConflict, ReleaseNotFound
from db.base import Base, Repository, record


class ReleaseRow(Base):
    """One published state of the knowledge base. The highest number is the live one."""

    __tablename__ = "releases"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created: Mapped[float]
    kind: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text)
    table_name: Mapped[str] = mapped_column(String(64))
    """Table of the index that holds its rows; empty once the index was made anew."""
    table_version: Mapped[int]
    documents: Mapped[int]
    chunks: Mapped[int]
    rows: Mapped[int]
    embedded: Mapped[int]
    summary: Mapped[dict[str, int]] = mapped_column(JSON)


class ReleaseDocumentRow(Base):
    """A document in one state, for the releases `since` ≤ number < `until`."""

    __tablename__ = "release_documents"
    __table_args__ = (Index("ix_release_documents_since_until", "since", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    doc_id: Mapped[str] = mapped_column(String(1024), index=True)
    source: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    settings: Mapped[str] = mapped_column(String(255))
    received: Mapped[float]
    chunks: Mapped[int]
    since: Mapped[int]
    until: Mapped[int | None]


class SourceState(Base):
    """Where documents come from and are read again: a folder, a file, a page, …"""

    __tablename__ = "sources"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    location: Mapped[str] = mapped_column(String(1024), unique=True)
    created: Mapped[float]
    checked: Mapped[float | None]
    error: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a release, as truth has it."""

    doc_id: str
    source: str
    """Name of its source: ``upload`` or one of those that are read again."""
    sha256: str
    """Of the original."""
    settings: str
    """Version and settings of parser and chunker that made its chunks."""
    received: float
    """UTC epoch seconds at which this original was first received."""
    chunks: int


@dataclass(frozen=True, slots=True)
class Release:
    """One published state of the knowledge base."""

    number: int
    created: float
    """UTC epoch seconds."""
    kind: str
    """``ingest``, ``refresh``, ``edit``, ``rollback``, ``rebuild`` or ``embed``: another model."""
    note: str
    table: str
    """Table of the index; empty if the index no longer holds this release."""
    version: int
    """Version of that table."""
    documents: int
    chunks: int
    rows: int
    embedded: int
    """Texts that were embedded for it."""
    summary: Mapping[str, int]
    """Chunks ``added``, ``changed`` and ``removed`` against the release before."""


class ReleaseRepository(Repository):
    """Stores releases. Publishing is one transaction."""

    async def current(self) -> Release | None:
        """Return the live release, or ``None`` before the first publish."""
        row = await self._first(select(ReleaseRow).order_by(ReleaseRow.number.desc()).limit(1))
        return None if row is None else _release(row)

    async def live_number(self) -> int:
        """Return the number of the live release, 0 before the first publish."""
        return await self._first(select(func.max(ReleaseRow.number))) or 0

    async def get(self, number: int) -> Release:
        """Return a release.

        Raises:
            ReleaseNotFound: if it never was, or was pruned.
        """
        async with self._database.session() as session:
            row = await session.get(ReleaseRow, number)
            if row is None:
                newest = await session.scalar(select(func.max(ReleaseRow.number)))
                raise ReleaseNotFound(number, newest or 0)
            return _release(row)

    async def list(self, *, limit: int = 100) -> Sequence[Release]:
        """Return releases, newest first."""
        rows = await self._all(select(ReleaseRow).order_by(ReleaseRow.number.desc()).limit(limit))
        return [_release(row) for row in rows]

    async def documents(self, number: int) -> dict[str, Document]:
        """Return the documents of a release by id; of 0, none."""
        async with self._database.session() as session:
            return {row.doc_id: record(Document, row) for row in await _rows_at(session, number)}

    async def live_documents(self) -> dict[str, Document]:
        """Return the documents of the live release by id; none before the first publish."""
        return await self.documents(await self.live_number())

    async def publish(
        self, release: Release, documents: Mapping[str, Document], *, base: int
    ) -> None:
        """Make `release` live, holding exactly `documents`, in one transaction.

        `base` is the live release that the caller compared with, 0 for none; the new one has the
        next number.

        Raises:
            PublishConflict: if another release went live since; nothing was changed.
        """
        async with self._database.session() as session:
            live = await session.scalar(select(func.max(ReleaseRow.number))) or 0
            if live != base:
                raise PublishConflict(base, live)
            stored = {row.doc_id: row for row in await _rows_at(session, base)}
            for doc_id, row in stored.items():
                if documents.get(doc_id) != record(Document, row):
                    row.until = release.number
            for doc_id, document in documents.items():
                if doc_id not in stored or record(Document, stored[doc_id]) != document:
                    since = release.number
                    session.add(ReleaseDocumentRow(**asdict(document), since=since, until=None))
            values = asdict(release)
            where = {"table_name": values.pop("table"), "table_version": values.pop("version")}
            session.add(ReleaseRow(**values, **where))

    async def relocate(self, number: int, *, table: str, version: int, rows: int) -> None:
        """Say where the index now holds the live release.

        Raises:
            PublishConflict: if `number` is not live; nothing was changed.
        """
        async with self._database.session() as session:
            live = await session.scalar(select(func.max(ReleaseRow.number))) or 0
            if live != number:
                raise PublishConflict(number, live)
            await session.execute(
                update(ReleaseRow)
                .where(ReleaseRow.number == number)
                .values(table_name=table, table_version=version, rows=rows)
            )

    async def forget_tables(self, kept: Collection[str]) -> None:
        """Note that the index holds only the releases of the tables `kept`."""
        await self._execute(
            update(ReleaseRow)
            .where(ReleaseRow.table_name.not_in(kept))
            .values(table_name="", table_version=0)
        )

    async def prune(self, keep: int) -> Sequence[int]:
        """Forget all but the newest `keep` releases; return the numbers that went."""
        async with self._database.session() as session:
            kept = (
                await session.scalars(
                    select(ReleaseRow.number).order_by(ReleaseRow.number.desc()).limit(keep)
                )
            ).all()
            if not kept:
                return []
            oldest = kept[-1]
            gone = (
                await session.scalars(
                    select(ReleaseRow.number)
                    .where(ReleaseRow.number < oldest)
                    .order_by(ReleaseRow.number)
                )
            ).all()
            await session.execute(delete(ReleaseRow).where(ReleaseRow.number < oldest))
            await session.execute(
                delete(ReleaseDocumentRow).where(ReleaseDocumentRow.until <= oldest)
            )
            return gone

    async def originals(self) -> set[str]:
        """Return the sha256 of every original that some release refers to."""
        return set(await self._all(select(ReleaseDocumentRow.sha256).distinct()))


class SourceRepository(Repository):
    """Remembers which source got which name, and how its last check went."""

    async def name(self, location: str, *, kind: str, wanted: str) -> str:
        """Return the name of the source at `location`; give it one like `wanted` the first time.

        A name once given stays, so that document ids stay. It is never ``upload``, nor the first
        part of an uploaded document's id.
        """
        async with self._database.session() as session:
            row = await session.scalar(select(SourceState).where(SourceState.location == location))
            if row is not None:
                return row.name
            taken = set(await session.scalars(select(SourceState.name))) | {"upload"}
            uploads = await session.scalars(
                select(ReleaseDocumentRow.doc_id).where(
                    ReleaseDocumentRow.source == "upload", ReleaseDocumentRow.until.is_(None)
                )
            )
            taken |= {doc_id.split("/", 1)[0] for doc_id in uploads}
            name, number = wanted, 2
            while name in taken:
                name, number = f"{wanted}-{number}", number + 1
            created = time.time()
            session.add(SourceState(name=name, kind=kind, location=location, created=created))
            return name

    async def checked(self, name: str, *, error: str = "") -> None:
        """Record that a source was just read, and what was wrong with it, if anything."""
        read = update(SourceState).where(SourceState.name == name)
        await self._execute(read.values(checked=time.time(), error=error))

    async def list(self) -> Sequence[SourceState]:
        """Return all sources by name."""
        return await self._all(select(SourceState).order_by(SourceState.name))


async def _rows_at(session: AsyncSession, number: int) -> Sequence[ReleaseDocumentRow]:
    rows = await session.scalars(
        select(ReleaseDocumentRow)
        .where(
            ReleaseDocumentRow.since <= number,
            or_(ReleaseDocumentRow.until.is_(None), ReleaseDocumentRow.until > number),
        )
        .order_by(ReleaseDocumentRow.doc_id)
    )
    return rows.all()


def _release(row: ReleaseRow) -> Release:
    where = {"table": row.table_name, "version": row.table_version}
    return record(Release, row, **where, summary=dict(row.summary))
