"""A retriever for evaluations: remembers what it found, and can leave texts out of the base."""

from collections.abc import Iterable, Mapping, Sequence

from core.protocols import Embedder, Reader
from core.types import Chunk, Vector
from kb.index.table import RowHit, RowSet
from kb.ranking.retriever import Rankers, Retrieval, Retriever, SearchIndex, SearchView
from kb.ranking.second import SecondEmbedder


class Probe(Retriever):
    """Searches as the service does; one question at a time."""

    def __init__(
        self,
        embedder: Embedder,
        index: SearchIndex[SearchView],
        rankers: Rankers,
        second: SecondEmbedder | None = None,
        reader: Reader | None = None,
        *,
        by_document: bool,
    ) -> None:
        """Take what `Retriever` takes; `by_document`: labels name files instead of entries."""
        self._leaving_out = _LeavingOut(index, by_document=by_document)
        super().__init__(embedder, self._leaving_out, rankers, second, reader)
        self.found: tuple[str, ...] = ()
        """Labels of what the last search found, the most probable first, each once."""

    @property
    def dense(self) -> tuple[str, ...]:
        """Labels in the order of the search by vector alone."""
        return self._leaving_out.dense

    @property
    def text(self) -> tuple[str, ...]:
        """Labels in the order of full-text search alone."""
        return self._leaving_out.text

    def leave_out(self, labels: frozenset[str]) -> None:
        """Search from here on as if the base did not have these entries, passages or files."""
        self._leaving_out.labels = labels

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        """Return the most probable candidates for a question."""
        retrieval = await super().retrieve(question, k=k, today=today)
        labels = (self._leaving_out.label(hit.chunk) for hit in retrieval.hits)
        self.found = tuple(dict.fromkeys(labels))
        return retrieval


class _LeavingOut:
    def __init__(self, index: SearchIndex[SearchView], *, by_document: bool) -> None:
        self._index = index
        self._by_document = by_document
        self.labels: frozenset[str] = frozenset()
        self.dense: tuple[str, ...] = ()
        self.text: tuple[str, ...] = ()

    def label(self, chunk: Chunk) -> str:
        return chunk.doc_id if self._by_document else chunk.entry_id

    async def view(self) -> SearchView:
        return _PartOfView(await self._index.view(), self)


class _PartOfView:
    def __init__(self, view: SearchView, out: _LeavingOut) -> None:
        self.release = view.release
        self._view = view
        self._out = out

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> Sequence[RowHit]:
        found = self._kept(await self._view.search_dense(vector, k, today=today, rows=rows))
        if rows == "own":
            self._out.dense = self._labels(found)
        return found

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> Sequence[RowHit]:
        found = self._kept(await self._view.search_text(text, k, today=today, rows=rows))
        self._out.text = self._labels(found)
        return found

    async def statements(self, chunk_ids: Iterable[str]) -> Mapping[str, Vector]:
        return await self._view.statements(chunk_ids)

    async def count(self) -> int:
        return await self._view.count()

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        return await self._view.objections(vector)

    def _kept(self, rows: Sequence[RowHit]) -> Sequence[RowHit]:
        return [row for row in rows if self._out.label(row.chunk) not in self._out.labels]

    def _labels(self, rows: Sequence[RowHit]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._out.label(row.chunk) for row in rows))
