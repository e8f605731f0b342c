"""Fit the ranking of one knowledge base.

Runs in a process of its own, which `kb.ranking.training` starts. What its questions would be told
is `kb.ranking.leave_one_out`'s; here the models are fitted on it.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kb.ranking.calibration import (
    Choice,
    Doubles,
    Linear,
    Reliability,
    blank,
    fit_choice,
    fit_logistic,
    reliability,
)
from kb.ranking.features import Bools, Floats
from kb.ranking.kernel import Kernel, Models, confidence_features
from kb.ranking.leave_one_out import Asked, LeaveOneOut, TrainingSet
from kb.ranking.pair import between, main_language
from kb.ranking.pair_training import best_share, paired_set
from kb.ranking.training_rows import PAIR, SECOND

_FOLDS = 5
_FEWEST = 40
"""Answered questions below which the prior is kept."""
_PRIOR = Path(__file__).parent / "data" / "own_questions.json"
"""What training starts from: fitted on public sets of entries with many wordings."""

RANK_PENALTY = 0.003
SURE_PENALTY = 0.05
SCALE_PENALTY = 0.001
"""Chosen in docs/retrieval.md."""


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

    @property
    def reliability(self) -> Reliability:
        """By cross-validation; empty if the prior was kept."""
        return trust(self.confidence, self)


def fit_models(kernel: Kernel, asked: Sequence[Asked], prior: Models | None) -> Fitted:
    """Fit what ranks and what tells how sure, on questions that were asked."""
    answered = sum(one.entry >= 0 for one in asked)
    if prior is not None and answered < _FEWEST:
        nothing = np.zeros(0)
        return Fitted(kernel, prior, 0, nothing, nothing.astype(bool), nothing)
    start = prior.rank if prior else blank(np.concatenate([one.evidence for one in asked]))
    rank = fit_choice(_choices(asked), start, penalty=RANK_PENALTY)
    features, right = _top(asked, _unseen_scores(asked, start))
    share = np.asarray([one.share for one in asked])
    # From nothing: what other bases taught about being sure was no help (docs/retrieval.md).
    sure, confidence = _sure(features, right, share, blank(features))
    return Fitted(kernel, Models(rank, sure), answered, confidence, right, share)


def trust(confidence: Doubles, fitted: Fitted) -> Reliability:
    """Return how far these confidences can be trusted for what a ranking found."""
    if not fitted.questions:
        return Reliability((), 0.0)
    return reliability(confidence, fitted.right, fitted.share)


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


def main(source: Path, target: Path) -> None:
    """Read what is in `source`, train, and write what answering needs into `target`."""
    texts = json.loads((source / "base.json").read_text("utf-8"))
    given = TrainingSet(
        tuple(texts["texts"]),
        np.load(source / "vectors.npy"),
        np.asarray(texts["owners"], np.int64),
        tuple(texts["answers"]),
        tuple(texts["background"]),
        np.load(source / "background.npy"),
    )
    prior = Models.from_json(json.loads(_PRIOR.read_text("utf-8")))
    left_out = LeaveOneOut(given)
    fitted = fit_models(left_out.kernel(), list(left_out.asked()), prior)
    fitted.kernel.save(target)
    result = {
        "models": fitted.models.to_json(),
        "questions": fitted.questions,
        "reliability": fitted.reliability.to_json(),
    }
    share = 0.0
    if (source / SECOND).is_file() and fitted.questions:
        # Without enough questions of its own a base cannot tell whether a second model helps.
        second = np.load(source / SECOND)
        share = best_share(left_out, second)
    del left_out  # its matrices are as large as the next one's
    if share:
        both = LeaveOneOut(paired_set(given, second, share))
        pair = fit_models(both.kernel(), list(both.asked()), prior)
        (target / PAIR).mkdir()
        pair.kernel.save(target / PAIR)
        result |= {
            "reliability": trust(between(fitted.confidence, pair.confidence), pair).to_json(),
            PAIR: {
                "models": pair.models.to_json(),
                "share": share,
                "language": main_language(given.texts),
            },
        }
    (target / "fitted.json").write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    os.nice(10)  # customers' answers come first
    main(Path(sys.argv[1]), Path(sys.argv[2]))
