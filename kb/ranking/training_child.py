"""Fit the ranking of one knowledge base.

Runs in a process of its own, which `kb.ranking.training` starts. What its questions would be told
is `kb.ranking.leave_one_out`'s; here the models are fitted on it.
"""

import json
import os
import pickle
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.types import Matrix
from kb.ranking.calibration import (
    Choice,
    Doubles,
    Linear,
    blank,
    fit_choice,
    fit_logistic,
    reliability,
)
from kb.ranking.features import Bools, Floats
from kb.ranking.kernel import BROAD, Kernel, Models, confidence_features
from kb.ranking.leave_one_out import Asked, LeaveOneOut, Solved
from kb.ranking.pair import SHARES, between, paired
from kb.ranking.training_rows import PAIR, TrainingSet
from kb.text.language import detect_language

_FOLDS = 5
_FEWEST = 40
"""Answered questions below which the prior is kept."""
_PRIOR = Path(__file__).parent / "data" / "own_questions.json"
"""What training starts from: fitted on public sets of entries with many wordings."""

RANK_PENALTY = 0.003
SURE_PENALTY = 0.05
SCALE_PENALTY = 0.001
"""Chosen in docs/notes/ranking.md."""
_SCALES = (3.0, 5.0, 8.0, 12.0, 16.0)
"""Votes are compared as probabilities: after a softmax of this sharpness, the best one of these."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained ranking."""

    kernel: Kernel
    models: Models
    questions: int
    """Questions of the base that the models were fitted on; 0: the prior was kept."""
    confidence: Doubles
    """How sure of the best entry of each question, by a model that was fitted without it."""
    right: Bools
    """Whether that entry is the right one."""
    share: Doubles
    """What each of these questions counts."""


def fit_models(kernel: Kernel, asked: Sequence[Asked], prior: Models) -> Fitted:
    """Fit what ranks and what tells how sure, on questions that were asked."""
    answered = sum(one.entry >= 0 for one in asked)
    if answered < _FEWEST:
        nothing = np.zeros(0)
        return Fitted(kernel, prior, 0, nothing, nothing.astype(bool), nothing)
    rank = fit_choice(_choices(asked), prior.rank, penalty=RANK_PENALTY)
    features, right = _top(asked, _unseen_scores(asked, prior.rank))
    share = np.asarray([one.share for one in asked])
    # From nothing: what other bases taught about being sure was no help (docs/notes/ranking.md).
    sure, confidence = _sure(features, right, share, blank(features))
    return Fitted(kernel, Models(rank, sure), answered, confidence, right, share)


def _sure(features: Floats, true: Bools, share: Doubles, start: Linear) -> tuple[Linear, Doubles]:
    """Fit a probability: a cautious model for the order, then its scale by cross-validation.

    Returns it with the confidence of each question by a model that was fitted without it.

    The penalty that makes the order reliable also draws every probability to the middle; two
    numbers, fitted on questions that the model has not seen, put that right.
    """
    folds = np.arange(len(features)) % _FOLDS
    odds = np.zeros(len(features))
    for fold in range(_FOLDS):
        rest = folds != fold
        model = fit_logistic(features[rest], true[rest], share[rest], start, penalty=SURE_PENALTY)
        odds[~rest] = model.score(features[~rest])
    line = Linear(np.zeros(1), np.ones(1), np.ones(1))
    scale = fit_logistic(odds[:, None].astype(np.float32), true, share, line, penalty=SCALE_PENALTY)
    stretch = float(scale.weights[0])
    model = fit_logistic(features, true, share, start, penalty=SURE_PENALTY)
    stretched = replace(
        model, weights=model.weights * stretch, bias=model.bias * stretch + scale.bias
    )
    return stretched, scale.probability(odds[:, None].astype(np.float32))


def _choices(asked: Sequence[Asked]) -> list[Choice]:
    """Return the questions whose answer is among the candidates."""
    found = []
    for one in asked:
        if one.entry >= 0:
            place = int(np.searchsorted(one.candidates, one.entry))
            if place < len(one.candidates) and one.candidates[place] == one.entry:
                found.append(Choice(one.evidence, place))
    return found


def _unseen_scores(asked: Sequence[Asked], start: Linear) -> list[Doubles]:
    """Return the candidates' scores of each question by a model that was fitted without it."""
    scores: list[Doubles] = [np.zeros(0)] * len(asked)
    for fold in range(_FOLDS):
        rest = [one for i, one in enumerate(asked) if i % _FOLDS != fold]
        choices = _choices(rest)
        model = fit_choice(choices, start, penalty=RANK_PENALTY) if choices else start
        for i in range(fold, len(asked), _FOLDS):
            scores[i] = model.score(asked[i].evidence)
    return scores


def _top(asked: Sequence[Asked], scores: Sequence[Doubles]) -> tuple[Floats, Bools]:
    """Return the features of each question's best candidate, and whether it is right."""
    features, right = [], []
    for one, z in zip(asked, scores, strict=True):
        features.append(confidence_features(one.votes, one.evidence, z.astype(np.float32)))
        right.append(int(one.candidates[np.argmax(z)]) == one.entry)
    return np.stack(features), np.asarray(right)


def best_share(left_out: LeaveOneOut, second: Matrix) -> float:
    """Return the share at which every question of the base is best told by all others; 0: without.

    `second` has the other model's vectors of its texts, then of the off-topic messages.
    """
    given = left_out.given
    losses = {0.0: _loss(left_out.broad, len(given.texts))}
    first = np.concatenate([given.vectors, given.background_vectors])
    for share in SHARES:
        rows = paired(first, second, share)
        rows = rows - rows[: left_out.n].mean(0)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        solved = left_out.solve(BROAD, np.clip(rows @ rows.T, -1, 1))
        losses[share] = _loss(solved, len(given.texts))
    return min(losses, key=lambda share: losses[share])


def _loss(solved: Solved, n: int) -> float:
    """Return the mean negative log-probability of each question's entry, told without it."""
    residuals = solved.duals / np.diag(solved.inverse)[:, None]
    votes, right = (solved.targets - residuals)[:n, :-1], solved.targets[:n, :-1] > 0
    logs = (np.logaddexp.reduce(votes * s, axis=1) - (votes * s)[right] for s in _SCALES)
    return min(float(each.mean()) for each in logs)


def _paired_set(given: TrainingSet, second: Matrix, share: float) -> TrainingSet:
    """Return the same texts with paired vectors."""
    n = len(given.texts)
    return replace(
        given,
        vectors=paired(given.vectors, second[:n], share),
        background_vectors=paired(given.background_vectors, second[n:], share),
    )


def main(given: TrainingSet, second: Matrix | None, target: Path) -> None:
    """Train, and write what answering needs into `target`.

    `second` has the vectors of the texts, then of the off-topic messages, by a second embedder.
    """
    prior = Models.from_json(json.loads(_PRIOR.read_text("utf-8")))
    left_out = LeaveOneOut(given)
    fitted = fit_models(left_out.kernel(), list(left_out.asked()), prior)
    fitted.kernel.save(target)
    judged, confidence = fitted, fitted.confidence
    result: dict[str, Any] = {"models": fitted.models.to_json(), "questions": fitted.questions}
    # Without enough questions of its own a base cannot tell whether a second model helps.
    share = 0.0 if second is None or not fitted.questions else best_share(left_out, second)
    del left_out  # its matrices are as large as the next one's
    if second is not None and share:
        both = LeaveOneOut(_paired_set(given, second, share))
        judged = fit_models(both.kernel(), list(both.asked()), prior)
        (target / PAIR).mkdir()
        judged.kernel.save(target / PAIR)
        confidence = between(confidence, judged.confidence)
        languages = Counter(map(detect_language, given.texts))
        result[PAIR] = {
            "models": judged.models.to_json(),
            "share": share,
            "language": languages.most_common(1)[0][0],
        }
    result["reliability"] = reliability(confidence, judged.right, judged.share).to_json()
    (target / "fitted.json").write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    os.nice(10)  # customers' answers come first
    texts, second_vectors = pickle.load(sys.stdin.buffer)
    main(texts, second_vectors, Path(sys.argv[1]))
