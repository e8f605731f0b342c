"""One change to the knowledge base at a time: write the index, then commit to the database.

A crash before the commit leaves the old release live, and the next change undoes the leftovers.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from core.types import Vector
from db.knowledge import Document, Release, ReleaseRepository
from kb.index.draft import Draft, Place
from kb.index.index import Index
from kb.index.rows import Row
from kb.ingest.diff import Comparison
from kb.ingest.prepare import Preparer
from kb.releases.lock import publish_lock
from kb.review.gate import Gate


@dataclass(frozen=True)
class Publisher:
    """The only writer of index and releases, across all processes that share a data folder."""

    index: Index
    releases: ReleaseRepository
    preparer: Preparer
    lock_path: Path
    _: KW_ONLY
    gate: Gate
    """Asks golden questions of a release before it goes live."""
    announce: Callable[[int], Awaitable[None]]
    """Trains for the release of a number that went live; called when the lock is free again."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)
    _training: set["asyncio.Task[None]"] = field(default_factory=set, init=False, repr=False)

    def announce_soon(self, number: int) -> None:
        """Train for a release beside the caller, who need not wait: it is live."""

        async def train() -> None:
            await self.announce(number)

        task = asyncio.create_task(train(), name="training")
        self._training.add(task)
        task.add_done_callback(self._training.discard)

    async def finish(self, *, stop: bool = False) -> None:
        """Wait for training in the background, or stop it; the next start repeats it."""
        for task in self._training if stop else ():
            task.cancel()
        await asyncio.gather(*self._training, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Keep every other writer out, in this process and in others on this machine."""
        async with self._lock, publish_lock(self.lock_path):
            yield

    async def publish(
        self,
        base: Release | None,
        documents: Mapping[str, Document],
        comparison: Comparison,
        *,
        draft: Draft,
        vectors: Mapping[str, Vector],
        kind: str,
        note: str = "",
        gated: bool = False,
    ) -> Release:
        """Write the rows and make the release that holds `documents` live. Needs the lock.

        Args:
            base: the live release that the caller compared with.
            draft: of the index, at `base` or empty.
            vectors: of the texts just embedded; the others are found in the draft, and what
                neither has is embedded now.
            gated: ask the golden questions first.

        Raises:
            HeldBack: if golden questions came out worse; the live release is then untouched.
            IndexNotWritten, PublishConflict: likewise.
        """
        rows = comparison.written
        found, embedded = await self._vectors(draft, rows, vectors)
        if comparison.gone or rows:
            await draft.write(comparison.gone, rows, [found[row.vector_key] for row in rows])
        number = 1 if base is None else base.number + 1
        place = await draft.finish(number)
        if gated:
            await self.gate.evaluate(await self.index.view(), await self.index.peek(place, number))
        release = await self.commit(
            base,
            documents,
            place,
            kind=kind,
            note=note,
            summary=comparison.summary(),
            embedded=embedded,
        )
        if gated:
            await self.gate.rankers.adopt(release.number)
        await asyncio.to_thread(self.preparer.spool.published, found.keys())
        return release

    async def commit(
        self,
        base: Release | None,
        documents: Mapping[str, Document],
        place: Place,
        *,
        kind: str,
        note: str = "",
        summary: Mapping[str, int] | None = None,
        embedded: int = 0,
    ) -> Release:
        """Make the rows at `place` the live release, by one commit to the database."""
        release = Release(
            number=1 if base is None else base.number + 1,
            created=time.time(),
            kind=kind,
            note=note,
            table=place.table,
            version=place.version,
            documents=len(documents),
            chunks=sum(document.chunks for document in documents.values()),
            rows=place.rows,
            embedded=embedded,
            summary=dict(summary or {}),
        )
        await self.releases.publish(release, documents, base=0 if base is None else base.number)
        return release

    async def _vectors(
        self, draft: Draft, rows: Sequence[Row], vectors: Mapping[str, Vector]
    ) -> tuple[dict[str, Vector], int]:
        found = {
            row.vector_key: vectors[row.vector_key] for row in rows if row.vector_key in vectors
        }
        embedded = len(found)
        found |= await draft.vectors({row.vector_key for row in rows} - found.keys())
        # Another writer may have taken out a text whose vector this run counted on.
        missing = {row.vector_key: row for row in rows if row.vector_key not in found}
        found |= await self.preparer.embed(list(missing.values()))
        return found, embedded + len(missing)
