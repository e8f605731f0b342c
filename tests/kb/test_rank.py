from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import Chunk, ChunkKind, Hit
from kb.features import BagCache, Rarity, best_and_mean, char_bags, margin, word_bags
from kb.rank import Defaults, Pool, Ranker, row_evidence
from kb.text import char_ngrams


@dataclass(frozen=True)
class Found:
    chunk: Chunk
    text: str
    score: float


def found(
    name: str, text: str, score: float, kind: ChunkKind = "faq", document: str = "faq.csv"
) -> Found:
    return Found(Chunk(name, document, kind, text, "Yes."), text, score)


NOWHERE = np.zeros(4, np.float32)


def default_rank(question: str, *, dense: list[Found], text: list[Found]) -> list[Hit]:
    return Ranker(Defaults.load()).rank(question, NOWHERE, dense=dense, text=text)


@given(st.lists(st.text(max_size=30), max_size=5))
def test_hashed_ngrams_are_those_of_the_text_module(texts: list[str]) -> None:
    bags = char_bags(texts)
    for i, text in enumerate(texts):
        hashed = bags.starts[i + 1] - bags.starts[i]
        assert hashed <= len(set(char_ngrams(text)))
        assert hashed >= len(set(char_ngrams(text))) - 1  # two may share a place


def test_equal_texts_have_cosine_one_and_strangers_zero() -> None:
    bags = char_bags(["refund please", "Refund, please!", "zug"])
    cosine = Rarity.of(bags).cosine(bags, bags)
    assert cosine[0] == pytest.approx([1, 1, 0], abs=1e-5)


def test_a_typing_error_leaves_most_characters_in_common() -> None:
    bags = char_bags(["mattress warranty", "matress warrenty", "opening hours today"])
    cosine = Rarity.of(bags).cosine(bags, bags)
    assert cosine[0, 1] > 0.5 > cosine[0, 2]


def test_a_rare_word_covers_more_than_a_common_one() -> None:
    rows = word_bags(["the bed", "the chair", "the table", "the lamp"])
    rarity = Rarity.of(rows)
    cover = rarity.coverage(word_bags(["the bed"]), rows)[0]
    assert cover[0] == pytest.approx(1)
    assert 0 < cover[1] < 0.5


def test_words_of_chinese_questions_are_found_in_passages() -> None:
    rows = word_bags(["电子发票在订单页面下载", "我们的营业时间"])
    cover = Rarity.of(rows).coverage(word_bags(["电子发票怎么开"]), rows)[0]
    assert cover[0] > 0.4 > cover[1]


def test_texts_without_letters_are_like_nothing() -> None:
    bags = char_bags(["", "???"])
    assert Rarity.of(bags).cosine(bags, bags) == pytest.approx(np.zeros((2, 2)))
    assert char_bags([]).starts.tolist() == [0]
    assert word_bags([]).starts.tolist() == [0]


def test_an_entry_is_scored_by_its_best_and_its_best_three() -> None:
    owner = np.array([0, 1, 0, 0, 0])
    values = np.array([0.1, 0.5, 0.9, 0.6, 0.3], np.float32)
    best, mean = best_and_mean(owner, values, 2)
    assert best == pytest.approx([0.9, 0.5])
    assert mean == pytest.approx([0.6, 0.5])


def test_the_margin_is_the_distance_to_the_best_of_the_others() -> None:
    assert margin(np.array([0.9, 0.7, 0.2], np.float32)) == pytest.approx([0.2, -0.2, -0.7])
    assert margin(np.array([0.9], np.float32)) == pytest.approx([0])
    values, documents = np.array([0.9, 0.8, 0.7, 0.2], np.float32), np.array([0, 0, 1, 0])
    assert margin(values, documents) == pytest.approx([0.2, 0.1, -0.2, -0.5])
    assert margin(values, np.zeros(4, np.int64)) == pytest.approx([0] * 4)


def test_a_row_that_only_full_text_search_found_is_as_near_as_the_farthest() -> None:
    pool = Pool.of(
        [found("a", "x", 0.9), found("b", "y", 0.7)], [found("c", "z", 12.0), found("a", "x", 9.0)]
    )
    assert [chunk.chunk_id for chunk in pool.chunks] == ["a", "b", "c"]
    assert pool.dense == pytest.approx([0.9, 0.7, 0.7])


def test_evidence_grows_no_row_per_variant() -> None:
    owner = np.array([0, 0, 1])
    values = np.array([0.5, 0.4, 0.3], np.float32)
    assert row_evidence(owner, values, values, values, 2).shape == (2, 8)


def test_the_nearer_entry_is_more_probable() -> None:
    dense = [found("a", "reset my password", 0.95), found("b", "opening hours", 0.78)]
    hits = default_rank("reset my password", dense=dense, text=[])
    assert [hit.chunk.chunk_id for hit in hits] == ["a", "b"]
    assert hits[0].probability > 2 * hits[1].probability
    assert hits[0].score == pytest.approx(0.95)


def test_a_passage_takes_nothing_from_an_entry() -> None:
    entries = [found("a", "reset my password", 0.95), found("b", "opening hours", 0.78)]
    alone = default_rank("reset my password", dense=entries, text=[])
    passage = found("p", "How to reset my password", 0.93, "passage")
    both = default_rank("reset my password", dense=[*entries, passage], text=[])
    assert {h.chunk.chunk_id: h.probability for h in alone}.items() <= {
        h.chunk.chunk_id: h.probability for h in both
    }.items()


def test_nothing_found_is_no_hit() -> None:
    assert default_rank("anything", dense=[], text=[]) == []


def test_ranking_is_the_same_every_time() -> None:
    dense = [found(name, name, 0.8) for name in "abc"]
    first = default_rank("which one", dense=dense, text=[])
    again = default_rank("which one", dense=dense[::-1], text=[])
    assert [h.chunk.chunk_id for h in first] == [h.chunk.chunk_id for h in again]


def test_passages_of_one_document_do_not_compete() -> None:
    """Nor do they where the base has other documents; in a base of one, every passage does."""
    near = [("one", "The fee is 5 euros.", 0.8), ("two", "The fee is due in May.", 0.79)]
    far = ("three", "We open at nine.", 0.6)

    def surest(documents: tuple[str, str, str]) -> float:
        rows = [
            found(name, text, score, "passage", document)
            for (name, text, score), document in zip([*near, far], documents, strict=True)
        ]
        return default_rank("How much is the fee?", dense=rows, text=[])[0].probability

    together = surest(("fees.md", "fees.md", "hours.md"))
    assert 1 - together < 0.5 * (1 - surest(("fees.md", "more.md", "hours.md")))
    assert surest(("all.md",) * 3) == surest(("fees.md", "more.md", "hours.md"))


def test_rarity_counted_in_parts_is_rarity_counted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [f"the pump number {n} is {word}" for n in range(9) for word in ("green", "red")]
    monkeypatch.setattr("kb.features._BATCH", 4)
    for bags_of in (char_bags, word_bags):
        whole = Rarity.of(bags_of(texts))
        assert Rarity.of_texts(texts, bags_of).idf == pytest.approx(whole.idf)


def test_kept_bags_are_what_counting_again_gives() -> None:
    texts = ["Where is my parcel?", "", "订单 在哪里", "Where is my parcel?", "a a a b"]
    for make in (char_bags, word_bags):
        cache = BagCache(make, size=2)
        for chosen in (texts, texts[:1], [], texts[::-1]):
            kept, fresh = cache.bags(chosen), make(chosen)
            assert kept.starts.tolist() == fresh.starts.tolist()
            assert kept.keys.tolist() == fresh.keys.tolist()
            assert kept.weights.tolist() == fresh.weights.tolist()
            assert (kept.keys.dtype, kept.weights.dtype) == (fresh.keys.dtype, fresh.weights.dtype)
