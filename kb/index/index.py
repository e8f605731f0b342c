"""The search index: one row for each embedded text, in LanceDB. Derived; may be deleted.

A release is one version of one table. The database says which (`ReleaseRepository.current`), and
readers open exactly that version: whatever the writer does meanwhile becomes visible by that one
database commit, whole or not at all, in every process.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa

from core.errors import IndexDamaged, IndexMismatch, StorageError
from core.protocols import Embedder
from db.knowledge import Release
from kb.index.draft import Draft, Place, tag_name
from kb.index.files import TableFiles
from kb.index.table import COLUMNS, NEGATIVE, reading, writing
from kb.index.view import View

_PAUSE_S = 60
"""What a busy machine may take between our reading of the clock and LanceDB's."""


@dataclass(frozen=True, slots=True)
class FilledBy:
    """The embedding model whose vectors a table holds."""

    name: str
    spec: str
    """Its name in the configuration."""
    fingerprint: str


@dataclass(eq=False)
class Index:
    """The index of one knowledge base. Many may read; only `kb.releases.publish` writes.

    Whatever opens a table does so by a connection of its own (.1 ms), which goes with it: all that
    a connection has read of a table, with the files, is kept until then.

    What opens a release raises IndexDamaged if a part of it is missing, changed or unreadable,
    IndexUnreachable if that cannot be told, and IndexMismatch if another embedding model filled it.
    """

    uri: str
    """A folder, which is created when it is first written, or an address: ``s3://bucket/path``."""
    embedder: Embedder
    """The model whose vectors it stores."""
    current: Callable[[], Awaitable[Release | None]]
    """Returns the live release; called before each read."""
    spec: str = ""
    """The model's name in the configuration; stored in the tables that it fills."""
    superseded: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set once another model fills the live release: this process goes on answering from the
    release that it has open, and is to be opened again."""
    _view: View | None = field(default=None, init=False)
    _place: tuple[int, str, int] | None = field(default=None, init=False)

    @property
    def folder(self) -> Path | None:
        """The index on this machine; ``None``: it is elsewhere."""
        return None if "://" in self.uri else Path(self.uri)

    async def view(self) -> View:
        """Return the live release for reading; use one view for all reads of one question.

        While the database cannot be read, that is the release that is open.
        """
        try:
            release = await self.current()
        except StorageError:
            if self._view is None:
                raise
            return self._view
        if release is None:
            return View(None, 0)
        place = (release.number, release.table, release.version)
        if self._view is None or self._place != place:
            try:
                self._view, self._place = await self.peek(release, release.number), place
            except IndexMismatch:
                if self._view is None:
                    raise
                self.superseded.set()
        return self._view

    async def peek(self, place: Place | Release, number: int) -> View:
        """Return the rows at a place for reading, as release `number`, live or not."""
        table = await self._open(place.table)
        rows = await _check_out(table, place, number)
        with reading():
            dated = await table.count_rows("valid_from <> '' OR valid_until <> ''")
            negatives = await table.count_rows(NEGATIVE)
        return View(table if rows else None, number, bool(dated), bool(negatives))

    async def check(self) -> None:
        """Compare the files of the live release with what was written, and read from it.

        Files are compared on this machine's own disk only: 0.4 s at 100,000 rows, 600 MB of files.
        """
        release = await self.current()
        if release is not None and release.table and self.folder is not None:
            with reading():
                reason = await asyncio.to_thread(TableFiles(self.folder, release.table).damaged)
            if reason:
                raise IndexDamaged(reason)
        await (await self.view()).check()

    async def draft(self, release: Release | None) -> Draft:
        """Start a change to the live release, undoing what an unfinished earlier change left.

        ``None``: start an empty table, before the first release or beside the live one.
        """
        if release is None:
            name = f"rows_{uuid.uuid4().hex[:12]}"
            with writing():
                connection = await lancedb.connect_async(self.uri)
                table = await connection.create_table(name, schema=self._schema())
            return await self._draft(table, name)
        return await self._draft_at(await self._open(release.table), release)

    async def _draft_at(self, table: Any, release: Release) -> Draft:
        if await table.version() != release.version:
            await _check_out(table, release, release.number)
            with writing():
                await table.restore()
        return await self._draft(table, release.table)

    async def restore(self, release: Release, *, number: int) -> Place:
        """Put the rows of an old release into a new version, as release `number`.

        Which embedding model filled it does not matter: nothing is embedded.
        """
        table, _ = await _named(self.uri, release.table)
        return await (await self._draft_at(table, release)).finish(number)

    async def fits(self, release: Release) -> bool:
        """Tell whether this model filled a release."""
        _, about = await _named(self.uri, release.table)
        return about.fingerprint == self.embedder.fingerprint

    async def drop_tables(self, *, keep: Collection[str]) -> None:
        """Delete all tables but some. Readers of the deleted ones fail from then on."""
        with writing():
            connection = await lancedb.connect_async(self.uri)
            for name in await _tables(connection):
                if name not in keep:
                    await connection.drop_table(name)
                    if self.folder is not None:
                        await asyncio.to_thread(TableFiles(self.folder, name).forget)

    async def forget(self, table: str, numbers: Iterable[int]) -> None:
        """Free the disk space of these releases, as far as no other release uses it."""
        handle = await self._open(table)
        with writing():
            tags = await handle.tags.list()
            gone = [name for name in map(tag_name, numbers) if name in tags]
            if not gone:
                return
            for name in gone:
                await handle.tags.delete(name)
            # No release is older than its oldest tag, and cleaning up to shortly before is allowed.
            versions = {found["version"]: found for found in await handle.list_versions()}
            tagged = [tag["version"] for tag in (await handle.tags.list()).values()]
            if tagged:
                # Optimising an empty version joins nothing; a change starts from the release.
                await handle.delete("true")
                age_s = time.time() - versions[min(tagged)]["timestamp"].timestamp()
                await handle.optimize(cleanup_older_than=timedelta(seconds=age_s + _PAUSE_S))

    async def _open(self, table: str) -> Any:
        handle, about = await _named(self.uri, table)
        if about.fingerprint != self.embedder.fingerprint:
            raise IndexMismatch(
                index_model=_model(about.name, about.fingerprint),
                model=_model(self.embedder.name, self.embedder.fingerprint),
            )
        return handle

    async def _draft(self, table: Any, name: str) -> Draft:
        if self.folder is None:
            return Draft(table, name, None)
        files = TableFiles(self.folder, name)
        return Draft(table, name, files, await asyncio.to_thread(files.written))

    def _schema(self) -> pa.Schema:
        vector = pa.field("vector", pa.list_(pa.float32(), self.embedder.dim), nullable=False)
        return pa.schema(
            [*COLUMNS, vector],
            metadata={
                "embedder": self.embedder.name,
                "spec": self.spec or self.embedder.name,
                "fingerprint": self.embedder.fingerprint,
            },
        )


async def filled_by(uri: str, release: Release) -> FilledBy:
    """Return the model that filled a release of the index at `uri`."""
    return (await _named(uri, release.table))[1]


async def _named(uri: str, table: str) -> tuple[Any, FilledBy]:
    """Open a table, whatever model filled it."""
    if not table:
        raise IndexDamaged("it does not hold this release")
    with reading():
        connection = await lancedb.connect_async(uri)
        handle = await connection.open_table(table)
        metadata = (await handle.schema()).metadata or {}
    if b"fingerprint" not in metadata:
        raise IndexDamaged("it does not say which embedding model filled it")
    name = metadata.get(b"embedder", b"?")
    return handle, FilledBy(
        name=name.decode(),
        spec=metadata.get(b"spec", name).decode(),
        fingerprint=metadata[b"fingerprint"].decode(),
    )


async def _tables(connection: Any) -> list[str]:
    names: list[str] = []
    page: str | None = None
    while True:
        response = await connection.list_tables(page_token=page)
        names += response.tables
        page = response.page_token
        if not page:
            return names


async def _check_out(table: Any, place: Place | Release, number: int) -> int:
    with reading():
        await table.checkout(place.version)
        rows = int(await table.count_rows())
    if rows != place.rows:
        raise IndexDamaged(f"release {number} has {place.rows} rows, not {rows}")
    return rows


def _model(name: str, fingerprint: str) -> str:
    return f"{name} ({fingerprint[:12]})"
