"""Measure answering on a labelled set, through the same objects as the service."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from core.types import Answer, Chunk
from jobs import metrics
from jobs.evalset import EvalQuestion, EvalSet
from jobs.metrics import Outcome
from kb.answer import Answerer
from kb.retrieve import Retriever

Progress = Callable[[int, int], None]
"""Called with the questions done and the questions in all."""

CheckReply = Callable[[str, Answer], Awaitable[int]]
"""Counts, for a question, the sentences of a composed reply that its sources do not support."""

_RANKS = 10


@dataclass(frozen=True, slots=True)
class EvalResult:
    """The figures of one run; None where the set has no labels for it."""

    name: str
    n: int
    recall_at_1: float
    recall_at_5: float
    mrr_at_10: float
    auroc: float | None
    in_scope_accuracy: float
    """Answerable questions answered at `answer_at`, and with the right entry or text."""
    oos_recall: float | None
    """Questions without answer that stay below `answer_at`."""
    answer_contains_gold: float | None
    answer_f1: float | None
    reply_length_median: float
    """Words (characters in Chinese) of composed and quoted replies."""
    unsupported_sentences: int
    abstained: float
    """Answerable questions met with unknown or clarify."""
    calibration_error: float
    precision_at_80: float | None
    """Of what is at least 0.8 sure, the share that is right."""
    kinds: dict[str, int]
    p50_ms: float
    p95_ms: float

    def to_dict(self) -> dict[str, object]:
        """Return the figures for JSON."""
        return asdict(self)


async def evaluate(
    evalset: EvalSet,
    *,
    retriever: Retriever,
    answerer: Answerer,
    check_reply: CheckReply,
    on_progress: Progress | None = None,
) -> list[Outcome]:
    """Ask every question of the set, one after the other, and return what came of each."""
    outcomes = []
    for number, question in enumerate(evalset.questions, start=1):
        outcomes.append(
            await _ask(
                question,
                by_document=evalset.by_document,
                retriever=retriever,
                answerer=answerer,
                check_reply=check_reply,
            )
        )
        if on_progress:
            on_progress(number, len(evalset.questions))
    return outcomes


async def _ask(
    question: EvalQuestion,
    *,
    by_document: bool,
    retriever: Retriever,
    answerer: Answerer,
    check_reply: CheckReply,
) -> Outcome:
    retrieval = await retriever.retrieve(question.text)
    answer = await answerer.answer_question(question.text)
    found = dict.fromkeys(_label(hit.chunk, by_document=by_document) for hit in retrieval.hits)
    return Outcome(
        question_id=question.question_id,
        question=question.text,
        relevant=question.relevant,
        answers=question.answers,
        found=tuple(found)[:_RANKS],
        confidence=answer.confidence,
        kind=answer.kind,
        text=answer.text,
        unsupported=await check_reply(question.text, answer) if answer.kind == "composed" else 0,
        total_ms=answer.timings_ms.get("total", 0.0),
    )


def _label(chunk: Chunk, *, by_document: bool) -> str:
    return chunk.doc_id if by_document else chunk.entry_id


def summarise(name: str, outcomes: Sequence[Outcome], *, answer_at: float) -> EvalResult:
    """Return the figures of a run at an operating point (a probability)."""
    inside = [o for o in outcomes if o.relevant]
    gold = [o for o in inside if o.answers]
    written = [o for o in inside if o.kind in ("composed", "quoted")]
    sure = [o for o in outcomes if o.confidence >= 0.8]
    kinds: dict[str, int] = {}
    for outcome in outcomes:
        kinds[outcome.kind] = kinds.get(outcome.kind, 0) + 1
    times = [o.total_ms for o in outcomes]
    return EvalResult(
        name=name,
        n=len(outcomes),
        recall_at_1=_round(metrics.recall_at(outcomes, 1)),
        recall_at_5=_round(metrics.recall_at(outcomes, 5)),
        mrr_at_10=_round(metrics.mrr_at(outcomes, _RANKS)),
        auroc=_maybe(metrics.auroc(outcomes)),
        in_scope_accuracy=_round(metrics.in_scope_accuracy(outcomes, answer_at)),
        oos_recall=_maybe(metrics.oos_recall(outcomes, answer_at)),
        answer_contains_gold=_share([metrics.contains_gold(o.text, o.answers) for o in gold]),
        answer_f1=_share([metrics.f1(o.text, o.answers) for o in gold]),
        reply_length_median=metrics.median([metrics.length(o.text) for o in written]),
        unsupported_sentences=sum(o.unsupported for o in outcomes),
        abstained=_round(sum(not o.answered for o in inside) / max(len(inside), 1)),
        calibration_error=_round(metrics.calibration_error(outcomes)),
        precision_at_80=_share([o.right for o in sure]),
        kinds=kinds,
        p50_ms=round(metrics.quantile(times, 0.5), 1),
        p95_ms=round(metrics.quantile(times, 0.95), 1),
    )


def _share(values: Sequence[float]) -> float | None:
    return _round(sum(values) / len(values)) if values else None


def _maybe(value: float | None) -> float | None:
    return None if value is None else _round(value)


def _round(value: float) -> float:
    return round(value, 4)
