"""Measure answering on a labelled set, through the same objects as the service."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from core.types import Answer
from evaluation import metrics
from evaluation.evalset import EvalQuestion, EvalSet
from evaluation.metrics import Outcome
from evaluation.probe import Probe
from kb.answering.answerer import Answerer

CheckReply = Callable[[Answer], Awaitable[int]]
"""Counts the sentences of a reply that its sources do not support."""

_RANKS = 10
_KEPT = 50
"""Ids of each search that an outcome keeps, for the baselines."""
_OOS_RECALLS = (0.8, 0.9)
"""Points at which the accuracy is always given."""


@dataclass(frozen=True, slots=True)
class EvalResult:
    """The figures of one run; None where the set has no labels for it."""

    name: str
    n: int
    recall_at_1: float
    recall_at_5: float
    mrr_at_10: float
    baselines: dict[str, tuple[float, float]]
    """Recall at 1 and 5 of the same vectors alone, BM25 alone, both by reciprocal rank fusion."""
    auroc: float | None
    in_scope_accuracy: float
    """Answerable questions answered at `answer_at`, and with the right entry or text."""
    oos_recall: float | None
    """Questions without answer that stay below `answer_at`."""
    accuracy_at_oos_recall: dict[str, float]
    """`in_scope_accuracy` where so many of the questions without answer stay below the threshold
    (published figures are of such points); empty if there are none."""
    answer_contains_gold: float | None
    answer_f1: float | None
    reply_length_median: float
    """Words (characters in Chinese) of composed and quoted replies."""
    answers: int
    """Answerable questions with known answers that the figures on answers are of."""
    composed: float
    """Share of composed replies among these, and of quoted ones."""
    quoted: float
    unsupported_sentences: int
    abstained: float
    """Answerable questions met with unknown."""
    refused: float | None
    """Questions without answer met with unknown: what customers see, whatever the
    threshold was."""
    calibration_error: float
    precision_at_80: float | None
    """Of what is at least 0.8 sure, the share that is right."""
    kinds: dict[str, int]
    p50_ms: float
    p95_ms: float


async def evaluate(
    evalset: EvalSet,
    *,
    probe: Probe,
    answerer: Answerer,
    check_reply: CheckReply,
    on_outcome: Callable[[Outcome], None],
) -> list[Outcome]:
    """Ask every question of the set, one after the other, and return what came of each.

    `probe` is what the answerer searches with; `on_outcome` is told of each outcome.
    """
    outcomes = []
    for question in evalset.questions:
        outcome = await _ask(question, probe, answerer, check_reply)
        on_outcome(outcome)
        outcomes.append(outcome)
    return outcomes


async def _ask(
    question: EvalQuestion, probe: Probe, answerer: Answerer, check_reply: CheckReply
) -> Outcome:
    probe.left_out = question.without
    answer = await answerer.answer_question(question.text)
    composed = answer.kind == "composed"
    return Outcome(
        question_id=question.question_id,
        question=question.text,
        relevant=question.relevant,
        answers=question.answers,
        found=probe.found[:_RANKS],
        confidence=answer.confidence,
        kind=answer.kind,
        text=answer.text,
        unsupported=await check_reply(answer) if composed else 0,
        total_ms=answer.timings_ms.get("total", 0.0),
        dense=probe.dense[:_KEPT],
        text_search=probe.text[:_KEPT],
    )


def summarise(
    name: str, outcomes: Sequence[Outcome], *, answer_at: float, oos_recall: float = 0.0
) -> EvalResult:
    """Return the figures of a run.

    `answer_at` is the operating point, a probability; `oos_recall` one more point at which to give
    `EvalResult.accuracy_at_oos_recall`, 0 for none.
    """
    inside = [o for o in outcomes if o.relevant]
    gold = [o for o in inside if o.answers]
    built = [o for o in gold if o.kind in ("composed", "quoted")]
    sure = [o for o in outcomes if o.confidence >= 0.8]
    outside = [o for o in outcomes if not o.relevant]
    times = [o.total_ms for o in outcomes]
    return EvalResult(
        name=name,
        n=len(outcomes),
        recall_at_1=_round(metrics.recall_at(outcomes, 1)),
        recall_at_5=_round(metrics.recall_at(outcomes, 5)),
        mrr_at_10=_round(metrics.mrr_at(outcomes, _RANKS)),
        baselines={
            part: (_round(metrics.recall_at(ranked, 1)), _round(metrics.recall_at(ranked, 5)))
            for part, ranked in part_rankings(outcomes).items()
        },
        auroc=_maybe(metrics.auroc(outcomes)),
        in_scope_accuracy=_round(metrics.in_scope_accuracy(outcomes, answer_at)),
        oos_recall=_maybe(metrics.oos_recall(outcomes, answer_at)),
        accuracy_at_oos_recall=_accuracies(outcomes, {*_OOS_RECALLS, oos_recall} - {0.0}),
        answer_contains_gold=_share([metrics.contains_gold(o.text, o.answers) for o in gold]),
        answer_f1=_share([metrics.f1(o.text, o.answers) for o in gold]),
        reply_length_median=metrics.median([metrics.length(o.text) for o in built]),
        answers=len(gold),
        composed=_round(sum(o.kind == "composed" for o in gold) / max(len(gold), 1)),
        quoted=_round(sum(o.kind == "quoted" for o in gold) / max(len(gold), 1)),
        unsupported_sentences=sum(o.unsupported for o in outcomes),
        abstained=_round(sum(not o.answered for o in inside) / max(len(inside), 1)),
        refused=_share([not o.answered for o in outside]),
        calibration_error=_round(metrics.trust(outcomes).error),
        precision_at_80=_share([o.right for o in sure]),
        kinds=dict(Counter(o.kind for o in outcomes)),
        p50_ms=round(metrics.quantile(times, 0.5), 1),
        p95_ms=round(metrics.quantile(times, 0.95), 1),
    )


def _accuracies(outcomes: Sequence[Outcome], recalls: set[float]) -> dict[str, float]:
    found = {}
    for recall in sorted(recalls):
        threshold = metrics.threshold_at(outcomes, recall)
        if threshold is not None:
            found[f"{recall:g}"] = _round(metrics.in_scope_accuracy(outcomes, threshold))
    return found


def part_rankings(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Return the outcomes in the order of each search alone and of both by rank fusion."""
    orders = {
        "dense": [o.dense for o in outcomes],
        "bm25": [o.text_search for o in outcomes],
        "rrf": [metrics.fused(o.dense, o.text_search) for o in outcomes],
    }
    return {
        name: [replace(o, found=order) for o, order in zip(outcomes, found, strict=True)]
        for name, found in orders.items()
    }


def _share(values: Sequence[float]) -> float | None:
    return _round(sum(values) / len(values)) if values else None


def _maybe(value: float | None) -> float | None:
    return None if value is None else _round(value)


def _round(value: float) -> float:
    return round(value, 4)
