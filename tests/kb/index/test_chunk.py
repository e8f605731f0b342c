import pytest

from core.types import Chunk, ParsedFile, Section
from kb.index.chunk import PROMPT_TOKENS, chunk_file, embedding_text
from kb.index.rows import chunk_of_rows, rows_of_chunk
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio


async def cut(
    *sections: Section, tokens: int = 40, embedder: WordEmbedder | None = None, title: str = "Guide"
) -> list[Chunk]:
    return await chunk_file(
        ParsedFile("guide.md", title, sections),
        doc_id="guide.md",
        embedder=embedder or WordEmbedder(),
        passage_tokens=tokens,
        updated="2026-05-01",
    )


def sentences(count: int, words: int = 8) -> str:
    return " ".join(
        "Sentence " + " ".join(f"w{n}x{i}" for i in range(words - 1)) + "." for n in range(count)
    )


async def test_an_entry_keeps_its_fields_and_is_embedded_as_its_question() -> None:
    entry = Section(
        text="How long do refunds take?",
        answer="Three days.",
        title_path=("Payments",),
        location="row 2",
        variants=("refund time",),
        category="payments",
        valid_until="2026-12-31",
    )
    [chunk] = await cut(entry)
    assert (chunk.kind, chunk.text, chunk.answer) == ("faq", entry.text, "Three days.")
    assert chunk.title == "Guide › Payments"
    assert (chunk.location, chunk.language, chunk.updated) == ("row 2", "en", "2026-05-01")
    assert (chunk.variants, chunk.valid_until) == (("refund time",), "2026-12-31")
    assert embedding_text(chunk) == "How long do refunds take?"


async def test_the_files_own_ids_reach_what_a_search_returns() -> None:
    entry = Section(text="How long do refunds take?", answer="Three days.", entry_id="r1")
    passage = Section(text="Parcels leave at noon.", title_path=("Post",), entry_id="p1")
    other = Section(text="Letters leave at three.", title_path=("Post",), entry_id="p2")
    chunks = await cut(entry, passage, other)
    assert [chunk.entry_id for chunk in chunks] == ["r1", "p1", "p2"]
    assert [chunk_of_rows(rows_of_chunk(chunk)) for chunk in chunks] == chunks


async def test_passages_stay_within_the_limit_and_lose_no_word() -> None:
    text = sentences(30)
    chunks = await cut(Section(text=text))
    counts = await WordEmbedder().count_tokens([embedding_text(c) for c in chunks])
    assert max(counts) <= 40
    assert " ".join(c.text for c in chunks) == text


async def test_passages_are_filled_evenly_so_that_no_small_rest_remains() -> None:
    chunks = await cut(Section(text=sentences(11)), tokens=41)
    sizes = await WordEmbedder().count_tokens([c.text for c in chunks])
    assert min(sizes) >= max(sizes) / 2


async def test_a_sentence_longer_than_a_passage_is_cut_at_its_clauses() -> None:
    text = "First part of it, " + ", ".join(f"clause number {n} goes on" for n in range(30)) + "."
    chunks = await cut(Section(text=text), tokens=32)
    counts = await WordEmbedder().count_tokens([embedding_text(c) for c in chunks])
    assert max(counts) <= 32
    assert all(c.text.endswith((",", ".")) for c in chunks)
    assert "".join("".join(c.text for c in chunks).split()) == "".join(text.split())


async def test_a_text_without_any_blank_still_fits_the_model() -> None:
    text = "".join(chr(0x4E00 + n) for n in range(800))
    chunks = await cut(Section(text=text), tokens=64)
    counts = await WordEmbedder().count_tokens([embedding_text(c) for c in chunks])
    assert max(counts) <= 64
    assert "".join(c.text for c in chunks) == text


async def test_no_passage_exceeds_what_the_model_reads_whatever_the_setting() -> None:
    embedder = WordEmbedder()
    embedder.max_tokens = 128
    long_title = ("A very long heading that goes on and on about nothing at all " * 5,) * 3
    chunks = await cut(
        Section(text=sentences(60), title_path=long_title), tokens=4000, embedder=embedder
    )
    counts = await embedder.count_tokens([embedding_text(c) for c in chunks])
    assert max(counts) <= 128 - PROMPT_TOKENS


async def test_tokens_of_a_file_are_counted_in_one_call() -> None:
    class Counting(WordEmbedder):
        calls = 0

        async def count_tokens(self, texts: object) -> list[int]:
            self.calls += 1
            return await super().count_tokens(texts)  # type: ignore[arg-type]

    embedder = Counting()
    await cut(
        *(Section(text=sentences(9), title_path=(str(n),)) for n in range(20)), embedder=embedder
    )
    assert embedder.calls == 1


async def test_the_title_path_stands_before_the_embedded_passage() -> None:
    [chunk] = await cut(Section(text="Within 30 days.", title_path=("Returns", "Deadline")))
    assert chunk.title == "Guide › Returns › Deadline"
    assert embedding_text(chunk) == "Guide › Returns › Deadline\nWithin 30 days."


async def test_the_title_is_not_said_twice() -> None:
    [chunk] = await cut(Section(text="Within 30 days.", title_path=("Guide", "Deadline")))
    assert chunk.title == "Guide › Deadline"


async def test_the_same_words_under_two_headings_are_two_passages() -> None:
    chunks = await cut(
        *(Section(text="20 EUR a day.", title_path=("Prices", bike)) for bike in "AABB")
    )
    assert [c.title for c in chunks] == ["Guide › Prices › A", "Guide › Prices › B"]
    assert len({c.chunk_id for c in chunks}) == 2


async def test_rows_are_packed_and_the_passage_names_first_and_last() -> None:
    rows = [
        Section(text=f"Country: C{n}; Days: {n}", location=f"sheet Prices, row {n}")
        for n in range(2, 12)
    ]
    chunks = await cut(*rows, tokens=60)
    assert chunks[0].location == "sheet Prices, rows 2–11"
    assert chunks[0].text.splitlines()[0] == "Country: C2; Days: 2"


async def test_rows_of_two_tables_are_not_packed_together() -> None:
    texts = ("Country: France; Days: 3", "Country: Spain; Days: 4", "Store: North; Rent: 5")
    chunks = await cut(*(Section(text=text) for text in texts))
    assert [chunk.text for chunk in chunks] == ["\n".join(texts[:2]), texts[2]]


async def test_a_line_that_introduces_a_list_goes_with_it() -> None:
    text = sentences(4) + "\n\nThe following are excluded:\n" + "\n".join(
        f"- item {n} with some more words" for n in range(6)
    )  # fmt: skip
    chunks = await cut(Section(text=text))
    assert not any(c.text.endswith(":") for c in chunks)


async def test_equal_texts_of_a_file_have_one_id() -> None:
    chunks = await cut(
        Section(text="Q?", answer="A.", variants=("a",)),
        Section(text="Q?", answer="A.", variants=("b",)),
    )
    assert [c.variants for c in chunks] == [("a",), ("b",)]
    assert len({c.chunk_id for c in chunks}) == 1


async def test_chunk_ids_differ_between_documents_and_not_between_runs() -> None:
    parsed = ParsedFile("a.md", "A", (Section(text="Same text."),))
    ids = {
        doc: [
            (await chunk_file(
                parsed, doc_id=doc, embedder=WordEmbedder(), passage_tokens=40, updated=day
            ))[0].chunk_id
            for day in ("2026-01-01", "2026-02-02")
        ]
        for doc in ("a.md", "b.md")
    }  # fmt: skip
    assert ids["a.md"][0] == ids["a.md"][1] != ids["b.md"][0]
    assert len(ids["a.md"][0]) == 32


async def test_a_question_too_long_for_the_model_becomes_a_passage_with_its_answer() -> None:
    embedder = WordEmbedder()
    embedder.max_tokens = 64
    chunks = await cut(Section(text=sentences(10), answer="The answer."), embedder=embedder)
    assert {c.kind for c in chunks} == {"passage"}
    assert "The answer." in chunks[-1].text


async def test_short_chunks_take_the_language_of_the_document() -> None:
    german = "Die Rücksendung ist innerhalb von dreißig Tagen kostenlos möglich."
    chunks = await cut(
        Section(text=german, title_path=("A", "B")),
        Section(text="OK GmbH 12", title_path=("C", "D")),
    )
    assert [c.language for c in chunks] == ["de", "de"]
