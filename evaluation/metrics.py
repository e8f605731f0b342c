"""Figures of an evaluation, from what was asked, found and answered. Pure functions."""

import re
import statistics
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.types import AnswerKind
from kb.ranking.calibration import Reliability, reliability


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question of an evaluation and what came of it."""

    question_id: str
    question: str
    relevant: frozenset[str]
    answers: tuple[str, ...]
    found: tuple[str, ...]
    """Ids in the order of the ranking, each once."""
    confidence: float
    """Calibrated probability that the best candidate answers."""
    kind: AnswerKind
    text: str
    unsupported: int
    """Sentences of the reply with something that the cited passages do not say."""
    total_ms: float
    dense: tuple[str, ...] = ()
    """Ids in the order of the search by vector alone, each once."""
    text_search: tuple[str, ...] = ()
    """Ids in the order of full-text search (BM25) alone, each once."""

    @property
    def right(self) -> bool:
        """Whether the first candidate is a right one."""
        return bool(self.found) and self.found[0] in self.relevant

    @property
    def answered(self) -> bool:
        """Whether the customer got an answer, not a question back or a refusal."""
        return self.kind in ("faq", "composed", "quoted")


def recall_at(outcomes: Sequence[Outcome], k: int) -> float:
    """Return the share of answerable questions with a right id among the first `k`."""
    inside = [o for o in outcomes if o.relevant]
    return _mean([bool(o.relevant & set(o.found[:k])) for o in inside])


def fused(dense: Sequence[str], text: Sequence[str]) -> tuple[str, ...]:
    """Return both orders as one by reciprocal rank fusion (Cormack 2009, k = 60)."""
    scores: dict[str, float] = {}
    for order in (dense, text):
        for rank, found in enumerate(order, start=1):
            scores[found] = scores.get(found, 0.0) + 1 / (60 + rank)
    return tuple(sorted(scores, key=lambda found: -scores[found]))


def mrr_at(outcomes: Sequence[Outcome], k: int) -> float:
    """Return the mean reciprocal rank of the first right id, 0 beyond rank `k`."""
    ranks: list[float] = []
    for outcome in outcomes:
        if outcome.relevant:
            hit = (n for n, i in enumerate(outcome.found[:k], start=1) if i in outcome.relevant)
            ranks.append(1 / rank if (rank := next(hit, 0)) else 0.0)
    return _mean(ranks)


def auroc(outcomes: Sequence[Outcome]) -> float | None:
    """Return the probability that an answerable question is surer than one without answer.

    Ties count half (the Mann-Whitney statistic). None if there is only one sort.
    """
    inside = np.array([o.confidence for o in outcomes if o.relevant])
    outside = np.sort([o.confidence for o in outcomes if not o.relevant])
    if not inside.size or not outside.size:
        return None
    below = np.searchsorted(outside, inside, side="left")
    not_above = np.searchsorted(outside, inside, side="right")
    return float((below + not_above).sum() / (2 * inside.size * outside.size))


def in_scope_accuracy(outcomes: Sequence[Outcome], threshold: float) -> float:
    """Return the share of answerable questions answered at `threshold`, and rightly."""
    return _mean([o.right and o.confidence >= threshold for o in outcomes if o.relevant])


def oos_recall(outcomes: Sequence[Outcome], threshold: float) -> float | None:
    """Return the share of questions without answer that stay below `threshold`."""
    outside = [o.confidence < threshold for o in outcomes if not o.relevant]
    return _mean(outside) if outside else None


def threshold_at(outcomes: Sequence[Outcome], wanted: float) -> float | None:
    """Return the lowest threshold whose `oos_recall` reaches `wanted`."""
    outside = sorted(o.confidence for o in outcomes if not o.relevant)
    if not outside:
        return None
    position = int(np.ceil(wanted * len(outside))) - 1
    return float(np.nextafter(outside[max(position, 0)], 2.0))


def trust(outcomes: Sequence[Outcome]) -> Reliability:
    """Return how confidence and being right go together, over ten bins (Guo 2017)."""
    confidence = np.array([o.confidence for o in outcomes])
    return reliability(confidence, np.array([o.right for o in outcomes], float))


_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = re.compile(
    f"[{re.escape(string.punctuation)}，。、；：？！“”‘’（）《》〈〉「」『』·…—\\s]+"
)
_CJK = re.compile(r"[぀-ヿ㐀-鿿가-힯]")


def plain(text: str) -> str:
    """Fold case, articles, punctuation and blanks, as SQuAD's scorer does."""
    return _PUNCTUATION.sub(" ", _ARTICLES.sub(" ", text.lower())).strip()


def tokens(text: str) -> list[str]:
    """Split into words; each Chinese, Japanese or Korean character is one."""
    return _CJK.sub(lambda match: f" {match.group()} ", plain(text)).split()


def contains_gold(text: str, answers: Sequence[str]) -> bool:
    """Tell whether a gold answer stands in the text."""
    said = "".join(plain(text).split())
    return any((gold := "".join(plain(a).split())) and gold in said for a in answers)


def f1(text: str, answers: Sequence[str]) -> float:
    """Return the best token F1 of the text against a gold answer (SQuAD)."""
    said = Counter(tokens(text))
    best = 0.0
    for answer in answers:
        gold = Counter(tokens(answer))
        shared = sum((said & gold).values())
        if shared:
            precision, recall = shared / sum(said.values()), shared / sum(gold.values())
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


def length(text: str) -> int:
    """Return the length of a reply in words (characters in Chinese, Japanese and Korean)."""
    return len(tokens(text))


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of the values, 0 for none."""
    return float(np.quantile(values, share)) if values else 0.0


def median(values: Sequence[float]) -> float:
    """Return the median, 0 for no values."""
    return float(statistics.median(values)) if values else 0.0


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
