"""A retriever for evaluations: remembers what it found, and can leave texts out of the base."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

from core.types import Chunk, Vector
from kb.index.table import RowHit, RowSet
from kb.index.view import View
from kb.ranking.retriever import Retrieval, Retriever


@dataclass
class Probe(Retriever):
    """Searches as the service does; one question at a time."""

    _: KW_ONLY
    by_document: bool
    """Whether labels name files instead of entries."""
    left_out: frozenset[str] = frozenset()
    """Labels of what the base has not, for the next questions."""
    found: tuple[str, ...] = field(default=(), init=False)
    """Labels of what the last search found, the most probable first, each once."""
    dense: tuple[str, ...] = field(default=(), init=False)
    """Labels in the order of the search by vector alone."""
    text: tuple[str, ...] = field(default=(), init=False)
    """Labels in the order of full-text search alone."""

    def __post_init__(self) -> None:
        whole = self.view

        async def part() -> View:
            return _PartOfView(await whole(), self)

        self.view = part

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
        return chunk.doc_id if self.by_document else chunk.entry_id


class _PartOfView(View):
    def __init__(self, view: View, probe: Probe) -> None:
        super().__init__(view.table, view.release, view.dated, view.objects)
        self._whole = view
        self._probe = probe

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        found = self._part(await self._whole.search_dense(vector, k, today=today, rows=rows))
        if rows == "own":
            self._probe.dense = self._probe.labels([row.chunk for row in found])
        return found

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        found = self._part(await self._whole.search_text(text, k, today=today, rows=rows))
        self._probe.text = self._probe.labels([row.chunk for row in found])
        return found

    def _part(self, rows: Sequence[RowHit]) -> list[RowHit]:
        return [row for row in rows if self._probe.label(row.chunk) not in self._probe.left_out]
