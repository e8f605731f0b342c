"""What to do with what was found: answer, compose, ask back, or say that nothing is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.types import Hit

Action: TypeAlias = Literal["faq", "compose", "clarify", "unknown"]

_MOST_CHOICES = 3
_CHOICE_SHARE = 0.25
"""A choice is at least this share as probable as the best one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How to reply."""

    action: Action
    """``faq``: the stored answer of the first hit. ``compose``: write from the hits (passages).
    ``clarify``: offer the hits to choose from. ``unknown``: say so."""
    hits: tuple[Hit, ...]
    """Those that the action needs, best first; empty for ``unknown``."""
    confidence: float
    """Calibrated probability that the best candidate answers the question."""


def decide(
    hits: Sequence[Hit], *, answer_at: float, passage_at: float, clarify_at: float
) -> Decision:
    """Choose how to reply.

    Answers when the best candidate is at least `answer_at` probable. Below, two or three entries
    that together are at least `clarify_at` probable, and of which the best is, are offered to
    choose from; passages are never choices, since their first words name no question. Where
    nothing can be offered, a passage is enough that is `passage_at` probable: its words are shown
    with their source.

    Args:
        hits: most probable first.
        answer_at: probability, 0 to 1, of ``config.yaml``.
        passage_at: probability, 0 to `answer_at`.
        clarify_at: probability, 0 to `answer_at`.
    """
    if not hits:
        return Decision("unknown", (), 0.0)
    best = hits[0]
    confidence = best.probability
    choices = _choices(hits, clarify_at) if confidence < answer_at else ()
    if choices:
        return Decision("clarify", choices, confidence)
    if best.chunk.kind == "faq" and confidence >= answer_at:
        return Decision("faq", (best,), confidence)
    if best.chunk.kind == "passage" and confidence >= passage_at:
        passages = [hit for hit in hits[:4] if hit.chunk.kind == "passage"]
        second = [hit for hit in passages[1:2] if hit.probability >= passage_at]
        return Decision("compose", (best, *second), confidence)
    return Decision("unknown", (), confidence)


def _choices(hits: Sequence[Hit], clarify_at: float) -> tuple[Hit, ...]:
    entries = [hit for hit in hits if hit.chunk.kind == "faq"][:_MOST_CHOICES]
    if not entries or sum(hit.probability for hit in entries) < clarify_at:
        return ()
    lowest = entries[0].probability * _CHOICE_SHARE
    return tuple(hit for hit in entries if hit.probability >= lowest)
