"""Knowledge bases to train on."""

from collections.abc import Sequence

from core.types import Chunk, Matrix
from kb.index.rows import Row, embedded_text, rows_of_chunk
from kb.index.table import RowSet
from kb.index.view import Sample
from tests.fakes import WordEmbedder
from tests.kb.ranking.memory import MemoryIndex, MemoryView


class Base(MemoryView):
    """A release that can be read whole."""

    def __init__(
        self, chunks: Sequence[Chunk], rows: list[Row], vectors: Matrix, release: int
    ) -> None:
        by_id = {chunk.chunk_id: chunk for chunk in chunks}
        super().__init__(
            [(by_id[r.chunk_id], r.text, r.role, v) for r, v in zip(rows, vectors, strict=True)]
        )
        self.release = release
        self._whole = rows, vectors

    async def sample(self, *, most: int) -> Sample:
        return Sample(*self._whole, whole_entries=True)

    async def count(self, rows: RowSet | None = None) -> int:
        return len(self._whole[0])


class BaseIndex(MemoryIndex):
    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self.base = base

    async def view(self) -> Base:
        return self.base


async def make_base(chunks: Sequence[Chunk], *, release: int = 1) -> BaseIndex:
    rows = [row for chunk in chunks for row in rows_of_chunk(chunk)]
    vectors = await WordEmbedder().embed_queries([embedded_text(row) for row in rows])
    return BaseIndex(Base(chunks, rows, vectors, release))


def entry(question: str, variants: Sequence[str] = (), *, doc: str = "faq.csv") -> Chunk:
    return Chunk(
        f"{doc}:{question}", doc, "faq", question, f"Answer to: {question}", tuple(variants)
    )
