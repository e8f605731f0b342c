"""Another embedding model: embedded beside what answers, compared, switched at once, undone."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.errors import ModelUnavailable
from core.types import Matrix, Vector
from db.golden import Golden
from kb.index.index import filled_by
from kb.index.view import View
from kb.ingest.reread import NotReadAgain
from kb.review.gate import HeldBack, Seen
from tests.fakes import WordEmbedder
from tests.kb.workshop import SameRanker, Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = "refund?|Within 30 days.|money back\nshipping?|Three days."


async def allow(candidate: View) -> None:
    pass


async def test_the_old_model_answers_until_the_new_rows_are_whole(tmp_path: Path) -> None:
    async with (
        workshop(tmp_path, WordEmbedder("a")) as old,
        workshop(tmp_path, WordEmbedder("b")) as new,
    ):
        await old.put(faq=FAQ, page="one\ntwo")
        _, rows, _ = await old.snapshot()
        seen: list[int] = []

        async def approve(candidate: View) -> None:
            assert await candidate.count() == 5
            seen.append((await old.snapshot())[0])
            assert [hit.text for hit in await (await old.index.view()).search_text("money", 1)] == [
                "money back"
            ]

        done = await new.releases.reembed(approve, model="b")
        assert (done.release, done.embedded, seen) == (2, 5, [1])
        assert (await new.snapshot())[:2] == (2, rows)
        live = await new.repository.current()
        assert live is not None
        assert (live.kind, live.note) == ("embed", "embedded by b")
        assert (await filled_by(str(tmp_path / "index"), live)).fingerprint == "b"

        assert not old.index.superseded.is_set()
        assert (await old.snapshot())[0] == 1, "it goes on with the release that it has open"
        assert old.index.superseded.is_set()


async def test_what_is_held_back_changes_nothing_and_is_not_embedded_again(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder("a")) as old:
        await old.put(faq=FAQ)
        embedder = WordEmbedder("b")

        async def refuse(candidate: View) -> None:
            raise HeldBack([], 1)

        async with workshop(tmp_path, embedder) as new:
            with pytest.raises(HeldBack):
                await new.releases.reembed(refuse, model="b")
            assert (await old.snapshot())[0] == 1
            assert not old.index.superseded.is_set()
            assert len(embedder.embedded) == 3
            await new.releases.reembed(allow, model="b")
            assert len(embedder.embedded) == 3


async def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    class Failing(WordEmbedder):
        async def embed_queries(self, texts: Sequence[str]) -> Matrix:
            if self.embedded:
                raise ModelUnavailable("down")
            return await super().embed_queries(texts)

    async with workshop(tmp_path, WordEmbedder("a")) as old:
        await old.put(faq="\n".join(f"question {n}?|Yes." for n in range(100)))
    async with workshop(tmp_path, Failing("b")) as new:
        with pytest.raises(ModelUnavailable):
            await new.releases.reembed(allow, model="b")
    embedder = WordEmbedder("b")
    async with workshop(tmp_path, embedder) as new:
        assert (await new.releases.reembed(allow, model="b")).embedded == 100
        assert 0 < len(embedder.embedded) < 100


async def test_what_is_published_meanwhile_is_in_the_new_rows(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder("a")) as old:
        await old.put(faq=FAQ)

        class Busy(WordEmbedder):
            async def embed_queries(self, texts: Sequence[str]) -> Matrix:
                live = await old.repository.current()
                if live is not None and live.number == 1:
                    await old.put(late="late?|Yes.")
                return await super().embed_queries(texts)

        async with workshop(tmp_path, Busy("b")) as new:
            assert (await new.releases.reembed(allow, model="b")).release == 3
            assert "late?" in await new.texts()


async def test_going_back_embeds_nothing_and_brings_the_old_model_back(tmp_path: Path) -> None:
    embedder = WordEmbedder("b")
    async with workshop(tmp_path, WordEmbedder("a")) as old:
        await old.put(faq=FAQ)
        _, rows, vectors = await old.snapshot()
    async with workshop(tmp_path, embedder) as new:
        await new.releases.reembed(allow, model="b")
        await new.put(page="one")
        await new.releases.prune(20)
        embedder.embedded.clear()
        assert (await new.releases.rollback(1)).number == 4
        assert embedder.embedded == []
        assert (await new.snapshot())[0] == 3
        assert new.index.superseded.is_set()
    async with workshop(tmp_path, WordEmbedder("a")) as old:
        assert await old.snapshot() == (4, rows, vectors)
        await old.put(page="two")


async def test_after_a_week_the_rows_of_the_old_model_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workshop(tmp_path, WordEmbedder("a")) as old:
        await old.put(faq=FAQ)
    async with workshop(tmp_path, WordEmbedder("b")) as new:
        await new.releases.reembed(allow, model="b")
        now = time.time()
        monkeypatch.setattr("kb.releases.release.time.time", lambda: now + 8 * 24 * 3600)
        await new.releases.prune(20)
        assert (await new.repository.get(1)).table == ""
        assert len([*(tmp_path / "index").glob("*.lance")]) == 1
        assert (await new.releases.rollback(1)).number == 2 + 1
        assert len(await new.texts()) == 3


async def test_a_document_that_cannot_be_read_again_stops_it(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder("a")) as old:
        await old.put(faq=FAQ, page="one")
        documents = await old.documents(1)
        await asyncio.to_thread(old.originals.path(documents[1].sha256).unlink)
        async with workshop(tmp_path, WordEmbedder("b")) as new:
            with pytest.raises(
                NotReadAgain, match=r"1 documents cannot be read again\. 'page\.txt'"
            ):
                await new.releases.reembed(allow, model="b")
            assert (await old.snapshot())[0] == 1
            done = await new.releases.reembed(allow, model="b", partial=True)
            assert list(done.errors) == ["page.txt"]
            assert len(await new.texts()) == 3


class Blind(WordEmbedder):
    """Finds nothing near anything: its questions are embedded apart from its texts."""

    async def embed_query(self, text: str) -> Vector:
        return -await super().embed_query(text)


async def test_golden_questions_compare_the_two_models(tmp_path: Path) -> None:
    async def judged(new: Workshop, old: Workshop) -> None:
        async def approve(candidate: View) -> None:
            view = await old.index.view()
            live = Seen(view, await SameRanker().ranker(view.release), old.embedder)
            await new.publisher.gate.evaluate(live, candidate)

        await new.releases.reembed(approve, model="b")

    async with workshop(tmp_path, WordEmbedder("a")) as old:
        await old.put(faq=FAQ, page="\n".join(f"something else {n}" for n in range(200)))
        await old.golden.add([Golden("refund?", document="faq.txt")])
        async with workshop(tmp_path, Blind("blind")) as new:
            with pytest.raises(HeldBack, match="1 of 1 golden questions"):
                await judged(new, old)
            assert (await old.snapshot())[0] == 1
        async with workshop(tmp_path, WordEmbedder("b")) as new:
            await judged(new, old)
            assert (await new.snapshot())[0] == 2


async def test_before_the_first_release_there_is_nothing_to_embed(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        done = await shop.releases.reembed(allow, model="b")
        assert (done.release, done.embedded, await shop.repository.current()) == (0, 0, None)
