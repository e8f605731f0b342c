"""Let the reader see the texts of a small knowledge base before customers ask about them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from kb.index.rows import Row, chunk_of_rows, embedded_text, is_statement
from kb.index.view import View
from kb.ranking.candidates import Candidate
from kb.ranking.retriever import SMALL

_MOST_TEXTS = 2_000
"""About as many as the reader keeps (`models/onnx/reader.py`)."""
_AT_ONCE = 16


async def read_ahead(view: View, read: Callable[[Sequence[str]], Awaitable[None]]) -> int:
    """Give a reader all texts that a question may want read; return how many.

    Of a base of more than `SMALL` rows, of which a question reads the nearest few, none. `read` is
    `models.embedder.WorkerEmbedder.read_ahead`.
    """
    if await view.count() > SMALL:
        return 0
    rows, _ = await view.all_rows()
    wanted = await asyncio.to_thread(_texts, rows)
    for start in range(0, len(wanted), _AT_ONCE):
        await read(wanted[start : start + _AT_ONCE])
    return len(wanted)


def _texts(rows: Sequence[Row]) -> list[str]:
    """Return what the reader reads of rows: statements, then sentences."""
    stated = [row for row in rows if is_statement(row)]
    texts = dict.fromkeys(map(embedded_text, stated))
    for row in {row.chunk_id: row for row in stated}.values():
        texts |= dict.fromkeys(Candidate(chunk_of_rows([row]), 0, 0, row.text, ()).sentences())
    return list(texts)[:_MOST_TEXTS]
