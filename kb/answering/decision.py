"""What to do with what was found: answer, answer with a reservation, or pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.careful import Rules, step_of
from core.types import Hit
from kb.ranking.retriever import Retrieval

_MOST = 3
"""Candidates that an answer with a reservation names: two answers and a choice."""
_LIKELY_SHARE = 0.25
"""They are at least this share as probable as the best one."""
_SECOND_SHARE = 0.5
"""The same for a second answer: below it is a choice only."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator decides about answering."""

    answer_at: float
    """Answer when at least this sure, 0 to 1."""
    hedge_at: float
    """Between this and `answer_at`: answer with a reservation, and offer other choices."""
    max_question_chars: int
    company: str
    fallback_language: str
    """ISO 639-1 of the service texts where the customer's language has none."""
    contact: str = ""
    """Where customers reach a person; said by channels that can call none."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How to reply."""

    hits: tuple[Hit, ...]
    """Each answers by itself: the best one; of a reply with a reservation perhaps also the second.
    Empty: nothing is known."""
    confidence: float
    """Calibrated probability that the best candidate answers the question."""
    hedged: bool = False
    """Say that the answer may not be the one."""
    others: tuple[Hit, ...] = ()
    """Further choices under a hedged answer."""
    held: bool = False
    """Propose the answer to an operator instead of sending it."""

    def alone(self) -> "Decision":
        """Return it with the best candidate only."""
        return replace(self, hits=self.hits[:1], others=())


@dataclass(frozen=True, slots=True, eq=False)  # it holds vectors, which have no truth value
class Found:
    """A question, what was found for it, and how it is replied to."""

    question: str
    """As the customer wrote it; `retrieval` may have what it follows too."""
    retrieval: Retrieval
    decision: Decision

    @property
    def known(self) -> bool:
        """Whether there is a reply."""
        return bool(self.decision.hits)


def decide(
    hits: Sequence[Hit],
    *,
    answer_at: float,
    hedge_at: float,
    lacks: Callable[[Hit], bool] = lambda _: False,
) -> Decision:
    """Choose how to reply.

    Answers when the best candidate, entry or passage, is at least `answer_at` probable. Between
    `hedge_at` and that, answers with the reservation that it may not be what was asked for: from
    the best candidate, and from the second where that is nearly as likely, beside choices.

    Args:
        hits: most probable first.
        answer_at: probability, 0 to 1, of ``config.yaml``.
        hedge_at: probability, 0 to `answer_at`.
        lacks: tells whether a candidate has nothing of the kind that was asked for, a number or a
            date. With a second one that has it, and is probable enough, the best is not sure, and
            stands behind it; without one it is only given where it is sure.
    """
    if not hits or hits[0].probability < hedge_at:
        return Decision((), hits[0].probability if hits else 0.0)
    best = hits[0]
    second = [h for h in hits[1:2] if h.probability >= _SECOND_SHARE * best.probability]
    turned = bool(second) and lacks(best) and not lacks(second[0])
    if best.probability >= answer_at and not turned:
        return Decision((best,), best.probability)
    if lacks(best) and not turned:
        return Decision((), best.probability)
    likely = [h for h in hits[:_MOST] if h.probability >= _LIKELY_SHARE * best.probability]
    given = [*second, best] if turned else [best, *second]
    others = tuple(likely[len(given) :])
    return Decision(tuple(given), best.probability, hedged=True, others=others)


def careful(decision: Decision, rules: Rules) -> Decision:
    """Return a decision as the operators' rules have it."""
    if not decision.hits:
        return decision
    best = decision.hits[0].chunk
    match step_of(rules, best.doc_id, best.category, sure=not decision.hedged):
        case "hold":  # a person vouches for what they send
            return replace(decision.alone(), hedged=False, held=True)
        case "hedge":
            return replace(decision, hedged=True)
        case "send":
            return decision
