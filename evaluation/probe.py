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
        super().__init__(embedder, self, rankers, second, reader)
        self._whole = index
        self._by_document = by_document
        self.left_out: frozenset[str] = frozenset()
        """Labels of what the base has not, for the next questions."""
        self.found: tuple[str, ...] = ()
        """Labels of what the last search found, the most probable first, each once."""
        self.dense: tuple[str, ...] = ()
        """Labels in the order of the search by vector alone."""
        self.text: tuple[str, ...] = ()
        """Labels in the order of full-text search alone."""

    async def view(self) -> SearchView:
        """Return the live release without what is left out."""
        return _PartOfView(await self._whole.view(), self)

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        """Return the most probable candidates for a question."""
        retrieval = await super().retrieve(question, k=k, today=today)
        self.found = self.labels([hit.chunk for hit in retrieval.hits])
        return retrieval

    def labels(self, chunks: Sequence[Chunk]) -> tuple[str, ...]:
        """Return what evaluation sets call the chunks, each once."""
        return tuple(dict.fromkeys(map(self.label, chunks)))

    def label(self, chunk: Chunk) -> str:
        """Return what evaluation sets call a chunk."""
        return chunk.doc_id if self._by_document else chunk.entry_id


class _PartOfView:
    def __init__(self, view: SearchView, probe: Probe) -> None:
        self.release = view.release
        self._view = view
        self._probe = probe

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> Sequence[RowHit]:
        found = self._kept(await self._view.search_dense(vector, k, today=today, rows=rows))
        if rows == "own":
            self._probe.dense = self._probe.labels([row.chunk for row in found])
        return found

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> Sequence[RowHit]:
        found = self._kept(await self._view.search_text(text, k, today=today, rows=rows))
        self._probe.text = self._probe.labels([row.chunk for row in found])
        return found

    async def statements(self, chunk_ids: Iterable[str]) -> Mapping[str, Vector]:
        return await self._view.statements(chunk_ids)

    async def count(self) -> int:
        return await self._view.count()

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        return await self._view.objections(vector)

    def _kept(self, rows: Sequence[RowHit]) -> Sequence[RowHit]:
        return [row for row in rows if self._probe.label(row.chunk) not in self._probe.left_out]
