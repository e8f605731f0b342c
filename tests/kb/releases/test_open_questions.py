"""Open questions that an operator put together, and the entries that may answer them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ModelUnavailable
from db.conversations import OpenQuestion
from kb.releases.open_questions import OpenGroup, _merged
from tests.fakes import WordEmbedder
from tests.kb.workshop import library_of, workshop


def question(open_id: int, *, same_as: int = 0) -> OpenQuestion:
    return OpenQuestion(open_id, open_id, "web:1", f"{open_id}?", "en", 0.0, 0.0, same_as=same_as)


def test_groups_that_an_operator_put_together_are_one() -> None:
    questions = [question(5, same_as=2), question(4), question(3, same_as=4), question(2)]
    assert _merged(questions, [[0], [1], [2], [3]]) == [[0, 3], [1, 2]]
    assert _merged(questions, [[0, 1], [2], [3]]) == [[0, 1, 2, 3]]


@pytest.mark.anyio
async def test_the_nearest_entries_are_offered_and_never_passages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(
            faq="May I return it?|Yes.\nDo you ship to Norway?|Yes.\nOpen on Sunday?|No.",
            page="Norway is a country to which we ship",
        )
        questions = library_of(shop).questions

        async def offered(*words: str) -> dict[int, str]:
            groups = [
                OpenGroup([replace(question(number), question=text)])
                for number, text in enumerate(words)
            ]
            return {number: one.text for number, one in (await questions.nearest(groups)).items()}

        sunday = "Open on Sunday?"
        asked = "do you ship to norway", "sunday"
        assert await offered(*asked) == {0: "Do you ship to Norway?", 1: sunday}
        near = await questions.near("do you ship to norway")
        assert {one.kind for one in near} == {"faq", "passage"}
        entry = next(one for one in near if one.text == sunday)
        await shop.entries.change(entry.chunk_id, "negative", text="sunday", author="me")
        assert (await offered("sunday"))[0] != sunday

        async def down(texts: Sequence[str]) -> None:
            raise ModelUnavailable("The model is down.")

        monkeypatch.setattr(shop.embedder, "embed_queries", down)
        assert await offered("on monday") == {}
