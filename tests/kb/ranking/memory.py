"""An index in memory and a reader that says what a script has, for tests of ranking."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import ModelUnavailable
from core.types import Chunk, Vector
from kb.index.rows import Role, embedded_text, rows_of_chunk
from kb.index.table import ROLES, RowHit, RowSet
from kb.index.view import View
from tests.fakes import WordEmbedder


@dataclass(frozen=True)
class Found(RowHit):
    row_id: str = ""


class MemoryView(View):
    """A release in a list."""

    def __init__(self, rows: Sequence[tuple[Chunk, str, Role, Vector]]) -> None:
        super().__init__(None, 7)
        self.rows = rows
        self.searched: list[tuple[str, RowSet, str]] = []
        """Kind, rows and day of each search."""

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        self.searched.append(("dense", rows, today))
        hits: list[RowHit] = [
            Found(c, t, r, float(v @ vector)) for c, t, r, v in self.rows if r in ROLES[rows]
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        self.searched.append(("text", rows, today))
        asked = set(text.split())
        hits: list[RowHit] = [
            Found(c, t, r, float(len(asked & set(t.split()))))
            for c, t, r, _ in self.rows
            if r in ROLES[rows]
        ]
        return [hit for hit in hits if hit.score][:k]

    async def statements(self, chunk_ids: Iterable[str]) -> dict[str, Vector]:
        wanted = set(chunk_ids)
        return {
            c.chunk_id: v
            for c, _, r, v in self.rows
            if c.chunk_id in wanted and r in ROLES["stated"]
        }

    async def count(self, rows: RowSet | None = None) -> int:
        return len(self.rows)

    async def objections(self, vector: Vector) -> dict[str, float]:
        return {c.chunk_id: float(v @ vector) for c, _, r, v in self.rows if r == "negative"}


class MemoryIndex:
    def __init__(self, view: MemoryView) -> None:
        self._view = view

    async def view(self) -> MemoryView:
        return self._view


class ScriptedReader:
    """Says that texts with a certain word answer, and others do not."""

    def __init__(self, liked: str = "") -> None:
        self.liked = liked
        self.down = False
        self.read_texts: list[list[str]] = []

    async def read(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        self.read_texts.append(list(texts))
        if self.down:
            raise ModelUnavailable("The reader is down.")
        return [9.0 if self.liked in text else -9.0 for text in texts]


def entry(number: int, question: str, *variants: str, answer: str = "Yes.") -> Chunk:
    return Chunk(f"c{number}", "faq.csv", "faq", question, answer, variants)


def page(number: int, text: str, title: str = "") -> Chunk:
    return Chunk(f"p{number}", "manual.md", "passage", text, title=title)


async def base(*chunks: Chunk) -> MemoryView:
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    rows = [row for chunk in chunks for row in rows_of_chunk(chunk)]
    vectors = await WordEmbedder().embed_queries([embedded_text(row) for row in rows])
    return MemoryView(
        [(by_id[r.chunk_id], r.text, r.role, v) for r, v in zip(rows, vectors, strict=True)]
    )
