import pytest

from core.types import Chunk, ChunkKind, Hit
from kb.answering.decision import Decision, decide


def hit(name: str, probability: float, kind: ChunkKind = "faq") -> Hit:
    answer = "An answer." if kind == "faq" else ""
    return Hit(Chunk(name, "faq.csv", kind, name, answer), 0.9, probability)


def decided(*hits: Hit) -> Decision:
    return decide(hits, answer_at=0.65, hedge_at=0.35)


def names(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.chunk.chunk_id for hit in hits]


@pytest.mark.parametrize("kind", ["faq", "passage"])
def test_what_is_sure_is_answered_alone_whether_entry_or_passage(kind: ChunkKind) -> None:
    decision = decided(hit("a", 0.8, kind), hit("b", 0.79, "passage"))
    assert decision.confidence == 0.8
    assert names(decision.hits) == ["a"]
    assert not decision.hedged
    assert decision.others == ()


def test_a_probability_at_the_threshold_is_sure_enough() -> None:
    assert not decided(hit("a", 0.65)).hedged
    assert decided(hit("a", 0.649)).hedged


@pytest.mark.parametrize("kind", ["faq", "passage"])
def test_between_the_thresholds_the_best_two_are_answered_with_a_reservation(
    kind: ChunkKind,
) -> None:
    decision = decided(hit("a", 0.5, kind), hit("b", 0.3, "passage"), hit("c", 0.2))
    assert (decision.hedged, decision.confidence) == (True, 0.5)
    assert names(decision.hits) == ["a", "b"]
    assert names(decision.others) == ["c"]


def test_an_improbable_second_one_is_neither_answered_nor_a_choice() -> None:
    decision = decided(hit("a", 0.6), hit("b", 0.29), hit("c", 0.14))
    assert (names(decision.hits), names(decision.others)) == (["a"], ["b"])
    assert names(decided(hit("a", 0.6), hit("b", 0.3)).hits) == ["a", "b"]
    assert decided(hit("a", 0.6), hit("b", 0.14)).others == ()


def test_an_answer_without_the_figure_asked_for_stands_behind_one_that_has_it() -> None:
    hits = [hit("a", 0.8), hit("b", 0.45), hit("c", 0.3)]

    def decided_lacking(*lacking: str) -> Decision:
        return decide(
            hits, answer_at=0.65, hedge_at=0.35, lacks=lambda h: h.chunk.chunk_id in lacking
        )

    decision = decided_lacking("a")
    assert (names(decision.hits), names(decision.others)) == (["b", "a"], ["c"])
    assert (decision.hedged, decision.confidence) == (True, 0.8)
    assert names(decided_lacking("a", "b").hits) == names(decided_lacking("b").hits) == ["a"]


def test_what_is_unsure_and_lacks_the_figure_asked_for_is_no_answer() -> None:
    unsure, sure = hit("a", 0.6), hit("b", 0.9)
    assert decide([unsure], answer_at=0.7, hedge_at=0.4, lacks=lambda _: True).hits == ()
    assert decide([sure], answer_at=0.7, hedge_at=0.4, lacks=lambda _: True).hits == (sure,)


def test_no_more_than_one_choice_stands_beside_two_answers() -> None:
    decision = decided(hit("a", 0.6), *(hit(name, 0.3) for name in "bcde"))
    assert names(decision.hits) == ["a", "b"]
    assert names(decision.others) == ["c"]


@pytest.mark.parametrize("hits", [[], [hit("a", 0.349)], [hit("p", 0.34, "passage")]])
def test_what_is_not_probable_is_unknown(hits: list[Hit]) -> None:
    decision = decided(*hits)
    assert decision.hits == decision.others == ()
    assert decision.confidence == (hits[0].probability if hits else 0)


def test_a_probability_at_the_lower_threshold_is_answered_with_a_reservation() -> None:
    assert decided(hit("p", 0.35, "passage")).hedged
