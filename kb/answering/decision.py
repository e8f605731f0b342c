"""What to do with what was found: answer, answer with a reservation, offer choices, or pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.types import Hit

Action: TypeAlias = Literal["faq", "compose", "clarify", "unknown"]

_MOST_CHOICES = 3
_CHOICE_SHARE = 0.25
"""A choice is at least this share as probable as the best one."""
_CLOSE = 0.9
"""The same share of the second one at which neither is answered."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How to reply."""

    action: Action
    """``faq``: the stored answer of the first hit. ``compose``: build it from the first hit, a
    passage. ``clarify``: offer the hits to choose from. ``unknown``: say so."""
    hits: tuple[Hit, ...]
    """Those that the action needs, best first; empty for ``unknown``."""
    confidence: float
    """Calibrated probability that the best candidate answers the question."""
    hedged: bool = False
    """Say that the answer may not be the one."""
    others: tuple[Hit, ...] = ()
    """Further choices under a hedged answer."""


def decide(hits: Sequence[Hit], *, answer_at: float, hedge_at: float) -> Decision:
    """Choose how to reply.

    Answers when the best candidate, entry or passage, is at least `answer_at` probable. Between
    `hedge_at` and that, answers with the reservation that it may not be what was asked for, beside
    up to two other choices; where two are really close, offers the choices alone.

    Args:
        hits: most probable first.
        answer_at: probability, 0 to 1, of ``config.yaml``.
        hedge_at: probability, 0 to `answer_at`.
    """
    if not hits or hits[0].probability < hedge_at:
        return Decision("unknown", (), hits[0].probability if hits else 0.0)
    best = hits[0]
    action: Action = "faq" if best.chunk.kind == "faq" else "compose"
    if best.probability >= answer_at:
        return Decision(action, (best,), best.probability)
    lowest = _CHOICE_SHARE * best.probability
    others = tuple(hit for hit in hits[1:_MOST_CHOICES] if hit.probability >= lowest)
    if others and others[0].probability >= _CLOSE * best.probability:
        return Decision("clarify", (best, *others), best.probability)
    return Decision(action, (best,), best.probability, hedged=True, others=others)
