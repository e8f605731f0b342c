"""Published releases: roll back, rebuild the index, list, compare, prune."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise

from core.errors import AnswerdeskError, IndexDamaged, ReleaseNotFound
from core.types import Vector
from core.wording import tr
from db.knowledge import Document, Release
from kb.index.draft import Place
from kb.index.rows import Row
from kb.index.view import View
from kb.ingest.diff import compare
from kb.ingest.prepare import OnProgress
from kb.ingest.reread import Left, left_of, reread
from kb.releases.publish import Publisher
from kb.review.forecast import Forecast, Forecaster
from kb.review.gate import OnAsked

logger = logging.getLogger(__name__)

_OTHER_MODEL_S = 7 * 24 * 3600
"""After a change of embedding model, the old rows are kept this long for a rollback."""

_UPLOAD_AGE_S = 7 * 24 * 3600
"""An original that no release uses is kept this long: it may be a pending upload."""


class ReleaseIsLive(AnswerdeskError):
    """The release to be published again is the live one."""

    def __init__(self, number: int) -> None:
        super().__init__(
            tr("Release %(number)s is live already. Nothing was changed.", number=number)
        )


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild of the index did."""

    release: int
    embedded: int
    errors: Mapping[str, str]
    """Why a document could not be read again, by document; it is missing in the index."""
    seconds: float


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What differs between two releases, by document id."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class Releases:
    """Undoes, rebuilds, lists and prunes what `Ingestor` published.

    A release that never was, or was pruned, is a ReleaseNotFound.
    """

    publisher: Publisher
    _: KW_ONLY
    settings: str
    """Of parser and chunker."""
    forecaster: Forecaster

    async def foresee(self, number: int, *, on_asked: OnAsked | None = None) -> Forecast:
        """Return the answers that would differ if an earlier release were published again.

        Raises:
            ModelError, IndexUnusable: if that cannot be told, as where another embedding model
                filled its rows; it may be published all the same.
        """
        release, index = await self.publisher.releases.get(number), self.publisher.index
        earlier = await index.peek(release, number)
        return await self.forecaster.between(await index.view(), earlier, on_asked=on_asked)

    async def rollback(self, number: int) -> Release:
        """Publish the content of an earlier release again, as a new release.

        Embeds nothing as long as the index still has the earlier one, with the embedding model of
        that time (`Index.superseded`); else its originals are read and what is new is embedded.

        Raises:
            ReleaseIsLive: if there is nothing to do.
            NotReadAgain: if the index lost it and an original is gone too. In each case the live
                release is untouched.
        """
        publisher = self.publisher
        async with publisher.locked():
            base = await publisher.releases.current()
            target = await publisher.releases.get(number)
            if base is None:
                raise ReleaseNotFound(number, 0)
            if base.number == number:
                raise ReleaseIsLive(number)
            documents = await publisher.releases.documents(number)
            note = f"content of release {number}"
            try:
                place = await publisher.index.restore(target, number=base.number + 1)
            except IndexDamaged as error:
                logger.warning("Release %d is read from its originals again: %s", number, error)
                release = await self._reread(base, documents, note, as_of=target.created)
            else:
                release = await publisher.commit(base, documents, place, kind="rollback", note=note)
            own_model = await publisher.index.fits(release)
            await publisher.preparer.curations.return_to(
                target.created,
                at=release.created,
                reason=f"Release {number}, from before it, was published again.",
            )
            if own_model:
                await self._fit_again()
        if own_model:
            await publisher.announce(release.number)
        return release

    async def _fit_again(self) -> None:
        """Let work wait no more whose entry is live again as it was when the work fitted it."""
        curations = self.publisher.preparer.curations
        unfit = [c for c in await curations.open() if c.state == "unfit" and c.kind != "disabled"]
        view = await self.publisher.index.view()
        live = await view.present({c.chunk_id for c in unfit})
        await curations.settle([c.settled() for c in unfit if c.chunk_id in live])

    async def reembed(
        self,
        approve: Callable[[View], Awaitable[object]],
        *,
        model: str,
        partial: bool = False,
        on_progress: OnProgress | None = None,
    ) -> Rebuilt:
        """Embed the live release anew, beside rows that another model filled; then switch.

        Everything is done before the one commit that switches. What was embedded waits in the
        spool, so a run that was stopped, or held back, goes on where it was.

        `approve` sees the new rows before that and raises what holds them back; `model` names this
        model in the list of releases; `partial` leaves documents out that cannot be read again.

        Raises:
            NotReadAgain, ModelError, IndexNotWritten: the old rows are then still live; so they are
                after whatever `approve` raises.
        """
        started = time.perf_counter()
        publisher = self.publisher
        while True:
            base = await publisher.releases.current()
            if base is None:
                return Rebuilt(0, 0, {}, time.perf_counter() - started)
            before = await publisher.releases.documents(base.number)
            prepared, errors = await reread(
                publisher.preparer, self.settings, before, set(), on_progress, partial=partial
            )
            async with publisher.locked():
                live = await publisher.releases.current()
                if live is None or live.number != base.number:
                    continue  # somebody published meanwhile; most of it is in the spool
                rows = list(prepared.rows().values())
                place = await self._fill(rows, prepared.vectors, base.number + 1)
                await approve(await publisher.index.peek(place, base.number + 1))
                release = await publisher.commit(
                    base,
                    {**before, **prepared.documents()},
                    place,
                    kind="embed",
                    note=f"embedded by {model}"[:200],
                    embedded=prepared.wanted,
                )
                await asyncio.to_thread(publisher.preparer.spool.published, prepared.vectors.keys())
                await publisher.preparer.settle(prepared)
            await publisher.announce(release.number)
            seconds = time.perf_counter() - started
            return Rebuilt(release.number, prepared.wanted, errors, seconds)

    async def rebuild(
        self, *, reuse: bool = False, partial: bool = False, on_progress: OnProgress | None = None
    ) -> Rebuilt:
        """Fill a new index from the originals of the live release, then use it.

        The chunks get the ids that they had. The old index answers until the new one is complete,
        and is deleted by the next `prune`. If parser or settings changed since, the result is a
        new release.

        Args:
            reuse: take the vectors that the old index still gives, and embed only the others. A
                document that cannot be read again keeps its rows, if all of them are left.
            partial: leave documents out that cannot be read again.

        Raises:
            NotReadAgain, ModelError: the old index is then still in use, damaged or not.
            IndexUnreachable: with `reuse`, if it cannot be told what is left of it.
        """
        started = time.perf_counter()
        publisher = self.publisher
        async with publisher.locked():
            base = await publisher.releases.current()
            if base is None:
                return Rebuilt(0, 0, {}, time.perf_counter() - started)
            before = await publisher.releases.documents(base.number)
            left = await left_of(publisher.index) if reuse else Left()
            kept = left.whole_of(before)
            prepared, errors = await reread(
                publisher.preparer,
                self.settings,
                before,
                set(left.vectors),
                on_progress,
                spared=kept.keys(),
                partial=partial,
            )
            rows = list(prepared.rows().values())
            for doc_id in errors.keys() & kept.keys():
                logger.warning("Its rows are kept as they were: %s", errors.pop(doc_id))
                rows += kept[doc_id]
            vectors = {**left.vectors, **prepared.vectors}
            after = {**before, **prepared.documents()}
            number = base.number if after == before else base.number + 1
            place = await self._fill(rows, vectors, number)
            if after == before:
                await publisher.releases.relocate(
                    base.number, table=place.table, version=place.version, rows=place.rows
                )
                release = base
            else:
                release = await publisher.commit(
                    base, after, place, kind="rebuild", embedded=prepared.wanted
                )
            await asyncio.to_thread(publisher.preparer.spool.published, vectors.keys())
            await publisher.preparer.settle(prepared)
        await publisher.announce(release.number)
        return Rebuilt(release.number, prepared.wanted, errors, time.perf_counter() - started)

    async def _fill(self, rows: Sequence[Row], vectors: Mapping[str, Vector], number: int) -> Place:
        """Put rows into a new table, as release `number`."""
        draft = await self.publisher.index.draft(None)
        await draft.write((), rows, [vectors[row.vector_key] for row in rows])
        return await draft.finish(number)

    async def open_or_rebuild(
        self, *, on_rebuild: Callable[[str], Awaitable[None]] | None = None
    ) -> Rebuilt | None:
        """Make sure that the live release can be searched; rebuild the index if it is damaged.

        `on_rebuild` is told the reason before a rebuild begins. Return what that did, ``None`` if
        none was needed.

        Raises:
            NotReadAgain: if documents would be lost: they are in a backup, or can be sent again.
            IndexUnreachable: the index may be whole.
            IndexMismatch: re-embedding everything is for the operator to decide.
        """
        try:
            await self.publisher.index.check()
        except IndexDamaged as error:
            logger.warning("The index is rebuilt from the originals: %s", error.reason)
            if on_rebuild is not None:
                await on_rebuild(error.reason)
            return await self.rebuild(reuse=True)
        return None

    async def diff(self, old: int, new: int) -> ReleaseDiff:
        """Return which documents differ between two releases."""
        before, after = await self._contents(old), await self._contents(new)
        both = before.keys() & after.keys()
        return ReleaseDiff(
            added=tuple(sorted(after.keys() - both)),
            changed=tuple(sorted(doc_id for doc_id in both if before[doc_id] != after[doc_id])),
            removed=tuple(sorted(before.keys() - both)),
        )

    async def _contents(self, number: int) -> Mapping[str, tuple[str, str]]:
        release = await self.publisher.releases.get(number)
        documents = await self.publisher.releases.documents(release.number)
        return {doc_id: (found.sha256, found.settings) for doc_id, found in documents.items()}

    async def prune(self, keep: int) -> int:
        """Forget all but the newest `keep` releases and what only they used; return how many.

        Tables of the index other than the live one go as well. Rolling back to a release that was
        in one of them embeds it again.
        """
        publisher = self.publisher
        async with publisher.locked():
            gone = await publisher.releases.prune(keep)
            base = await publisher.releases.current()
            if base is not None and base.table:
                await publisher.index.forget(base.table, gone)
                kept_tables = {base.table, await self._other_model()}
                await publisher.index.drop_tables(keep=kept_tables)
                await publisher.releases.forget_tables(kept_tables)
            kept, since = await publisher.releases.originals(), time.time() - _UPLOAD_AGE_S
            await asyncio.to_thread(publisher.preparer.originals.forget, kept, older_than=since)
        return len(gone)

    async def _other_model(self) -> str:
        """Return the table of the model that was changed lately, so that it can be undone."""
        releases = await self.publisher.releases.list(limit=1000)
        for newer, older in pairwise(releases):
            if newer.kind == "embed" and newer.created > time.time() - _OTHER_MODEL_S:
                return older.table
        return ""

    async def _reread(
        self, base: Release, documents: Mapping[str, Document], note: str, *, as_of: float
    ) -> Release:
        """Publish `documents` from their originals, on top of `base`."""
        publisher = self.publisher
        before = await publisher.releases.documents(base.number)
        differing = {key: new for key, new in documents.items() if before.get(key) != new}
        draft = await publisher.index.draft(base)
        prepared, _ = await reread(
            publisher.preparer, self.settings, differing, await draft.known(), as_of=as_of
        )
        gone = [doc_id for doc_id in before if doc_id not in documents]
        comparison = await compare(draft, prepared, gone)
        return await publisher.publish(
            base,
            {**documents, **prepared.documents()},
            comparison,
            draft=draft,
            vectors=prepared.vectors,
            kind="rollback",
            note=note,
        )
