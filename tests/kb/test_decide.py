import pytest

from core.types import Chunk, ChunkKind, Hit
from kb.decide import decide

AT = {"answer_at": 0.65, "passage_at": 0.4, "clarify_at": 0.35}


def hit(name: str, probability: float, kind: ChunkKind = "faq") -> Hit:
    answer = "An answer." if kind == "faq" else ""
    return Hit(Chunk(name, "faq.csv", kind, name, answer), 0.9, probability)


def test_a_sure_entry_is_answered() -> None:
    decision = decide([hit("a", 0.8), hit("b", 0.1)], **AT)
    assert decision.action == "faq"
    assert [h.chunk.chunk_id for h in decision.hits] == ["a"]
    assert decision.confidence == 0.8


def test_a_probability_at_the_threshold_is_sure_enough() -> None:
    assert decide([hit("a", 0.65)], **AT).action == "faq"
    assert decide([hit("a", 0.649)], **AT).action == "clarify"


def test_a_sure_passage_is_composed_from_with_at_most_one_more() -> None:
    hits = [hit("p", 0.9, "passage"), hit("q", 0.5, "passage"), hit("r", 0.4, "passage")]
    decision = decide(hits, **AT)
    assert decision.action == "compose"
    assert [h.chunk.chunk_id for h in decision.hits] == ["p", "q"]


def test_an_improbable_second_passage_is_left_out() -> None:
    hits = [hit("p", 0.9, "passage"), hit("q", 0.2, "passage")]
    decision = decide(hits, **AT)
    assert [h.chunk.chunk_id for h in decision.hits] == ["p"]


def test_two_entries_close_together_are_offered() -> None:
    hits = [hit("a", 0.4), hit("b", 0.35), hit("c", 0.02)]
    decision = decide(hits, **AT)
    assert decision.action == "clarify"
    assert [h.chunk.chunk_id for h in decision.hits] == ["a", "b"]


def test_at_most_three_entries_are_offered() -> None:
    hits = [hit(name, 0.2) for name in "abcde"]
    decision = decide(hits, **AT)
    assert [h.chunk.chunk_id for h in decision.hits] == ["a", "b", "c"]


def test_passages_are_never_choices() -> None:
    hits = [hit("p", 0.5, "passage"), hit("a", 0.4)]
    decision = decide(hits, **AT)
    assert decision.action == "clarify"
    assert [h.chunk.chunk_id for h in decision.hits] == ["a"]


@pytest.mark.parametrize("hits", [[], [hit("a", 0.1)], [hit("p", 0.39, "passage")]])
def test_what_is_not_probable_is_unknown(hits: list[Hit]) -> None:
    decision = decide(hits, **AT)
    assert decision.action == "unknown"
    assert decision.hits == ()


def test_a_passage_has_a_threshold_of_its_own() -> None:
    assert decide([hit("p", 0.4, "passage"), hit("a", 0.1)], **AT).action == "compose"


def test_entries_to_choose_from_come_before_a_passage_that_is_not_sure() -> None:
    hits = [hit("p", 0.5, "passage"), hit("a", 0.4)]
    assert decide(hits, **AT).action == "clarify"
    assert decide([hit("p", 0.7, "passage"), hit("a", 0.4)], **AT).action == "compose"
