"""What the reader is given ahead is what questions want read, of the real index."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kb.ranking import read_ahead as module
from kb.ranking.read_ahead import read_ahead
from kb.ranking.retriever import Retriever
from tests.fakes import DefaultRanker, WordEmbedder
from tests.kb.ranking.memory import ScriptedReader
from tests.kb.workshop import workshop

pytestmark = pytest.mark.anyio

FAQ = "Do you repair kettles?|Yes. It takes three days.|kettle repair"
GUIDE = "# Repairs\n\nBring the kettle to the desk. We call you when it is ready."


async def test_nothing_is_read_at_a_question_that_was_not_read_ahead(
    tmp_path: Path, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead: list[str] = []

    async def read(texts: Sequence[str]) -> None:
        ahead.extend(texts)

    reader = ScriptedReader("kettle")
    async with workshop(tmp_path, embedder, answers=True) as shop:
        await shop.put(faq=FAQ, guide=GUIDE)
        view = await shop.index.view()
        assert await read_ahead(view, read) == len(ahead) > 0
        retriever = Retriever(embedder, shop.index.view, DefaultRanker().ranker, reader=reader)
        await retriever.retrieve("who mends the kettle")
        wanted = {text for texts in reader.read_texts for text in texts}
        assert len(wanted) > 2
        assert wanted <= set(ahead)
        monkeypatch.setattr(module, "SMALL", 2)
        assert await read_ahead(view, read) == 0
