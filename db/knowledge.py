"""What the knowledge base consists of: releases, the documents of each, and their sources.

A document is kept as an interval of releases: from `since` on, up to but not including `until`.
So a publish writes only what changed, and every release can still be listed exactly.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import JSON, Index, String, Text, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, MappedAsDataclass, Session, mapped_column

from core.errors import PublishConflict, ReleaseNotFound
from db.base import Base, Repository, reads, writes


class Release(MappedAsDataclass, Base):
    """One published state of the knowledge base. The highest number is the live one."""

    __tablename__ = "releases"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created: Mapped[float]
    """UTC epoch seconds."""
    kind: Mapped[str] = mapped_column(String(16))
    """``ingest``, ``refresh``, ``edit``, ``rollback``, ``rebuild`` or ``embed``: another model."""
    note: Mapped[str] = mapped_column(Text)
    table: Mapped[str] = mapped_column("table_name", String(64))
    """Table of the index; empty if the index no longer holds this release."""
    version: Mapped[int] = mapped_column("table_version")
    """Version of that table."""
    documents: Mapped[int]
    chunks: Mapped[int]
    rows: Mapped[int]
    embedded: Mapped[int]
    """Texts that were embedded for it."""
    summary: Mapped[dict[str, int]] = mapped_column(JSON)
    """Chunks ``added``, ``changed`` and ``removed`` against the release before."""


class Document(MappedAsDataclass, Base):
    """One file in one state, as truth has it, for the releases `since` ≤ number < `until`."""

    __tablename__ = "release_documents"
    __table_args__ = (Index("ix_release_documents_since_until", "since", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False, compare=False)
    doc_id: Mapped[str] = mapped_column(String(1024), index=True)
    source: Mapped[str] = mapped_column(String(255))
    """Name of its source: ``upload`` or one of those that are read again."""
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    """Of the original."""
    settings: Mapped[str] = mapped_column(String(255))
    """Version and settings of parser and chunker that made its chunks."""
    received: Mapped[float]
    """UTC epoch seconds at which this original was first received."""
    chunks: Mapped[int]
    since: Mapped[int] = mapped_column(init=False, compare=False)
    until: Mapped[int | None] = mapped_column(init=False, compare=False)


class SourceState(Base):
    """Where documents come from and are read again: a folder, a file, a page, …"""

    __tablename__ = "sources"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    location: Mapped[str] = mapped_column(String(1024), unique=True)
    created: Mapped[float]
    checked: Mapped[float | None]
    error: Mapped[str] = mapped_column(Text, default="")


class ReleaseRepository(Repository):
    """Stores releases. Publishing is one transaction."""

    async def current(self) -> Release | None:
        """Return the live release, or ``None`` before the first publish."""
        return await self._first(select(Release).order_by(Release.number.desc()).limit(1))

    async def live_number(self) -> int:
        """Return the number of the live release, 0 before the first publish."""
        return await self._first(select(func.max(Release.number))) or 0

    @reads
    def get(self, session: Session, number: int) -> Release:
        """Return a release; raises `ReleaseNotFound` if it never was, or was pruned."""
        if release := session.get(Release, number):
            return release
        newest = session.scalar(select(func.max(Release.number)))
        raise ReleaseNotFound(number, newest or 0)

    async def list(self, *, limit: int = 100) -> Sequence[Release]:
        """Return releases, newest first."""
        return await self._all(select(Release).order_by(Release.number.desc()).limit(limit))

    @reads
    def documents(self, session: Session, number: int) -> dict[str, Document]:
        """Return the documents of a release by id; of 0, none."""
        return {found.doc_id: found for found in _documents_of(session, number)}

    async def live_documents(self) -> dict[str, Document]:
        """Return the documents of the live release by id; none before the first publish."""
        return await self.documents(await self.live_number())

    @writes
    def publish(
        self, session: Session, release: Release, documents: Mapping[str, Document], *, base: int
    ) -> None:
        """Make `release` live, holding exactly `documents`, in one transaction.

        `base` is the live release that the caller compared with, 0 for none; the new one has the
        next number.

        Raises:
            PublishConflict: if another release went live since; nothing was changed.
        """
        live = session.scalar(select(func.max(Release.number))) or 0
        if live != base:
            raise PublishConflict(base, live)
        stored = {found.doc_id: found for found in _documents_of(session, base)}
        for doc_id, document in stored.items():
            if documents.get(doc_id) != document:
                document.until = release.number
        for doc_id, document in documents.items():
            if stored.get(doc_id) != document:
                new = replace(document)
                new.since, new.until = release.number, None
                session.add(new)
        session.merge(release)

    @writes
    def relocate(
        self, session: Session, number: int, *, table: str, version: int, rows: int
    ) -> None:
        """Say where the index now holds the live release.

        Raises:
            PublishConflict: if `number` is not live; nothing was changed.
        """
        live = session.scalar(select(func.max(Release.number))) or 0
        if live != number:
            raise PublishConflict(number, live)
        session.execute(
            update(Release)
            .where(Release.number == number)
            .values(table=table, version=version, rows=rows)
        )

    async def forget_tables(self, kept: Collection[str]) -> None:
        """Note that the index holds only the releases of the tables `kept`."""
        await self._update(Release, Release.table.not_in(kept), table="", version=0)

    @writes
    def prune(self, session: Session, keep: int) -> Sequence[int]:
        """Forget all but the newest `keep` releases; return the numbers that went."""
        newest = select(Release.number).order_by(Release.number.desc()).limit(keep)
        oldest = min(session.scalars(newest), default=0)
        old = delete(Release).where(Release.number < oldest).returning(Release.number)
        gone = sorted(session.scalars(old))
        only_of_old = Document.until <= oldest
        session.execute(delete(Document).where(only_of_old))
        return gone

    async def originals(self) -> set[str]:
        """Return the sha256 of every original that some release refers to."""
        return set(await self._all(select(Document.sha256).distinct()))


class SourceRepository(Repository):
    """Remembers which source got which name, and how its last check went."""

    @writes
    def name(self, session: Session, location: str, *, kind: str, wanted: str) -> str:
        """Return the name of the source at `location`; give it one like `wanted` the first time.

        A name once given stays, so that document ids stay. It is never ``upload``, nor the first
        part of an uploaded document's id.
        """
        row = session.scalar(select(SourceState).where(SourceState.location == location))
        if row is not None:
            return row.name
        taken = set(session.scalars(select(SourceState.name))) | {"upload"}
        uploads = session.scalars(
            select(Document.doc_id).where(Document.source == "upload", Document.until.is_(None))
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
        await self._update(SourceState, SourceState.name == name, checked=time.time(), error=error)

    async def list(self) -> Sequence[SourceState]:
        """Return all sources by name."""
        return await self._all(select(SourceState).order_by(SourceState.name))


def _documents_of(session: Session, number: int) -> Sequence[Document]:
    there = or_(Document.until.is_(None), Document.until > number)
    found = select(Document).where(Document.since <= number, there).order_by(Document.doc_id)
    return session.scalars(found).all()
