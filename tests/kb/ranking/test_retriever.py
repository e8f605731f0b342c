import logging
from dataclasses import replace

import numpy as np
import pytest

from core.protocols import Embedder
from core.types import Chunk
from kb.ranking.align import AlignedEmbedder
from kb.ranking.ranker import SENTENCES_OF
from kb.ranking.retriever import Retriever
from tests.fakes import DefaultRanker, WordEmbedder
from tests.kb.ranking.memory import (
    MemoryIndex,
    MemoryView,
    ScriptedReader,
    base,
    entry,
    page,
)

pytestmark = pytest.mark.anyio


def retriever_of(view: MemoryView, reader: ScriptedReader | None = None) -> Retriever:
    return Retriever(WordEmbedder(), MemoryIndex(view).view, DefaultRanker().ranker, reader=reader)


async def test_the_variants_of_an_entry_are_one_hit() -> None:
    view = await base(
        entry(0, "reset my password", "i forgot my password", "password lost"),
        entry(1, "opening hours"),
    )
    found = await retriever_of(view).retrieve("how do i reset my password")
    assert [hit.chunk.chunk_id for hit in found.hits] == ["c0", "c1"]
    assert found.answerable == found.hits[0].probability
    assert found.release == 7
    assert set(found.timings_ms) == {"embed", "search", "decide"}
    assert found.vector == pytest.approx(
        await WordEmbedder().embed_query("how do i reset my password")
    )


async def test_questions_answers_and_words_are_searched_by_the_same_day() -> None:
    view = await base(entry(0, "reset my password"))
    await retriever_of(view).retrieve("password", today="2026-11-30")
    assert sorted(view.searched) == [
        ("dense", "own", "2026-11-30"),
        ("dense", "stated", "2026-11-30"),
        ("text", "all", "2026-11-30"),
    ]


async def test_an_entry_is_found_by_what_its_answer_says() -> None:
    view = await base(
        entry(0, "What about parcels?", answer="A courier carries them in wooden crates."),
        entry(1, "What about letters?", answer="They go by post."),
    )
    found = await retriever_of(view).retrieve("do you use wooden crates")
    assert found.hits[0].chunk.chunk_id == "c0"


async def test_only_the_most_probable_are_returned() -> None:
    view = await base(*(entry(i, f"question number {i}") for i in range(20)))
    found = await retriever_of(view).retrieve("question number 4", k=3)
    assert len(found.hits) == 3
    assert found.hits[0].chunk.text == "question number 4"


async def test_an_empty_knowledge_base_answers_nothing() -> None:
    reader = ScriptedReader()
    found = await retriever_of(MemoryView([]), reader).retrieve("anything")
    assert found.hits == ()
    assert found.answerable == 0
    assert reader.read_texts == []
    assert np.isclose(np.linalg.norm(found.vector), 1)


async def test_an_entrys_own_question_is_certain_whatever_its_case() -> None:
    view = await base(entry(0, "Do you sell kayaks?"), entry(1, "Do you sell bikes?"))
    found = await retriever_of(view).retrieve("do you  SELL kayaks?")
    assert found.hits[0].chunk.text == "Do you sell kayaks?"
    assert found.answerable >= 0.99


async def test_a_question_that_an_entry_has_word_for_word_is_not_read() -> None:
    view = await base(entry(0, "Do you sell kayaks?"), entry(1, "Do you sell bikes?"))
    reader = ScriptedReader("bikes")
    found = await retriever_of(view, reader).retrieve("Do you sell kayaks?")
    assert found.hits[0].chunk.text == "Do you sell kayaks?"
    assert reader.read_texts == []
    assert found.readings == {}


async def test_the_literal_question_comes_first_even_where_another_text_is_nearer() -> None:
    view = await base(
        entry(0, "kettle?", answer="We have none of these at all, sorry about that."),
        page(1, "kettle kettle kettle kettle"),
    )
    found = await retriever_of(view).retrieve("Kettle?")
    assert [hit.chunk.chunk_id for hit in found.hits] == ["c0", "p1"]
    assert found.answerable >= 0.99


async def test_what_files_say_in_two_languages_is_given_in_that_of_the_question() -> None:
    text = "Small dogs of 10 kg may come along on a leash."
    here = replace(entry(0, "May dogs come along?", answer=text), language="en")
    there = replace(entry(1, "Dogs may come along?", answer=text), language="de")
    other = replace(entry(2, "How much is a ticket?", answer="Two euros."), language="de")
    nothing = np.zeros(64, np.float32)
    aligned = AlignedEmbedder(WordEmbedder(), shift=nothing, directions=nothing[None])

    async def found(embedder: Embedder, *chunks: Chunk) -> set[str]:
        retriever = Retriever(
            embedder, MemoryIndex(await base(*chunks)).view, DefaultRanker().ranker
        )
        asked = await retriever.retrieve("may my small dogs come along with me")
        return {hit.chunk.chunk_id for hit in asked.hits}

    assert await found(aligned, here, there, other) == {"c0", "c2"}
    assert await found(aligned, there) == {"c1"}
    assert await found(WordEmbedder(), here, there, other) == {"c0", "c1", "c2"}
    likely = replace(there, answer="Dogs on a leash come along into the yard and the shop.")
    assert await found(aligned, here, likely, other) == {"c0", "c2"}, "both are likely, and near"


# --- the reader --------------------------------------------------------------------------------

PAGES = (
    page(0, "the red kettle holds two litres"),
    page(1, "the red kettle is loud"),
    page(2, "parcels are sent on mondays", "Post"),
)
ASKED = "how many litres holds the kettle"


async def test_the_text_that_the_reader_likes_comes_first() -> None:
    view = await base(*PAGES)
    first = await retriever_of(view).retrieve(ASKED)
    assert [hit.chunk.chunk_id for hit in first.hits] == ["p0", "p1", "p2"]
    found = await retriever_of(view, ScriptedReader("mondays")).retrieve(ASKED)
    assert found.hits[0].chunk.chunk_id == "p2"


async def test_what_the_reader_likes_is_surer_than_what_it_does_not() -> None:
    view = await base(*PAGES)
    liked = await retriever_of(view, ScriptedReader("litres")).retrieve(ASKED)
    disliked = await retriever_of(view, ScriptedReader("nothing there")).retrieve(ASKED)
    assert liked.answerable > 0.5 > disliked.answerable


async def test_the_reader_reads_passages_with_their_title_and_answers_with_their_question() -> None:
    view = await base(PAGES[2], entry(0, "When are parcels sent?", answer="On mondays."))
    reader = ScriptedReader("parcels")
    found = await retriever_of(view, reader).retrieve("parcels on which day")
    texts = {"p2": "Post\nparcels are sent on mondays", "c0": "When are parcels sent?\nOn mondays."}
    assert set(reader.read_texts[0]) == set(texts.values())
    assert {key: r.sentences for key, r in found.readings.items()} == {
        key: ((text, 9),) for key, text in texts.items()
    }
    assert all(reading.whole == 9 for reading in found.readings.values())


async def test_a_passage_is_found_by_one_of_its_sentences() -> None:
    long = page(3, "It is open. The fee is two euros. Guests sign the list.", "Sauna")
    view = await base(*PAGES, long)
    reader = ScriptedReader("Sauna\nGuests sign")
    found = await retriever_of(view, reader).retrieve("may my sister come")
    assert found.hits[0].chunk.chunk_id == "p3"
    assert found.readings["p3"].sentences == (
        ("Sauna\nIt is open.", -9),
        ("Sauna\nThe fee is two euros.", -9),
        ("Sauna\nGuests sign the list.", 9),
    )


async def test_sentences_are_read_of_those_that_are_best_as_wholes() -> None:
    pages = 2 * SENTENCES_OF
    view = await base(*(page(n, f"kettle number {n}") for n in range(pages)))
    reader = ScriptedReader("kettle")
    found = await retriever_of(view, reader).retrieve("which kettle is number 3", k=pages)
    wholes, sentences = reader.read_texts
    assert len(set(wholes)) == pages
    assert len(set(sentences)) == SENTENCES_OF  # each passage has one
    assert len(found.readings) == len(found.hits) == SENTENCES_OF
    assert "kettle number 3" in sentences[0]


async def test_of_a_large_base_only_the_nearest_are_read() -> None:
    view = await base(*(page(n, f"kettle number {n}") for n in range(601)))
    reader = ScriptedReader("kettle")
    await retriever_of(view, reader).retrieve("which kettle is number 3")
    assert len(reader.read_texts[0]) == 12
    assert "kettle number 3" in reader.read_texts[0]


async def test_without_the_reader_the_order_is_that_of_the_search_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    view = await base(*PAGES)
    expected = (await retriever_of(view).retrieve(ASKED)).hits
    reader = ScriptedReader("mondays")
    reader.down = True
    retriever = retriever_of(view, reader)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found = await retriever.retrieve(ASKED)
            assert found.hits == expected
            assert found.readings == {}
    said = "Questions are answered without the reader: The reader is down."
    assert caplog.messages == [said]
    reader.down = False
    assert (await retriever.retrieve(ASKED)).hits[0].chunk.chunk_id == "p2"
    reader.down = True
    with caplog.at_level(logging.WARNING):
        await retriever.retrieve(ASKED)
    assert caplog.messages == [said, said]


# --- what entries do not answer ----------------------------------------------------------------


async def test_an_entry_is_left_out_where_its_negative_example_is_nearer() -> None:
    chunk = Chunk(
        "c0", "faq.csv", "faq", "return a parcel", "Yes.", negatives=("return of the king",)
    )
    view = await base(chunk, entry(1, "opening hours"))
    retriever = retriever_of(view)
    film = await retriever.retrieve("the return of the king")
    assert [hit.chunk.chunk_id for hit in film.hits] == ["c1"]
    parcel = await retriever.retrieve("how to return a parcel")
    assert parcel.hits[0].chunk.chunk_id == "c0"
