"""Whether a second embedder helps a knowledge base, and by what share.

Runs in `kb.ranking.training_child`.
"""

from dataclasses import replace

import numpy as np

from core.types import Matrix
from kb.ranking.features import Ints
from kb.ranking.kernel import BROAD
from kb.ranking.leave_one_out import LeaveOneOut, Solved, TrainingSet
from kb.ranking.pair import SHARES, paired

_SCALES = (3.0, 5.0, 8.0, 12.0, 16.0)
"""Votes are compared as probabilities: after a softmax of this sharpness, the best one of these."""


def best_share(left_out: LeaveOneOut, second: Matrix) -> float:
    """Return the share at which every question of the base is best told by all others; 0: without.

    `second` has the other model's vectors of its texts, then of the off-topic messages.
    """
    given = left_out.given
    losses = {0.0: _loss(left_out.broad, given.owners)}
    first = np.concatenate([given.vectors, given.background_vectors])
    for share in SHARES:
        rows = paired(first, second, share)
        rows = rows - rows[: left_out.n].mean(0)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        losses[share] = _loss(left_out.solve(BROAD, np.clip(rows @ rows.T, -1, 1)), given.owners)
    return min(losses, key=lambda share: losses[share])


def paired_set(given: TrainingSet, second: Matrix, share: float) -> TrainingSet:
    """Return the same texts with paired vectors."""
    n = len(given.texts)
    return replace(
        given,
        vectors=paired(given.vectors, second[:n], share),
        background_vectors=paired(given.background_vectors, second[n:], share),
    )


def _loss(solved: Solved, owners: Ints) -> float:
    """Return the mean negative log-probability of each question's entry, told without it."""
    n = len(owners)
    residuals = solved.duals / np.diag(solved.inverse)[:, None]
    votes = (solved.targets - residuals)[:n, :-1]
    found = []
    for scale in _SCALES:
        scaled = votes * scale
        own = scaled[np.arange(n), owners]
        found.append(float((np.logaddexp.reduce(scaled, axis=1) - own).mean()))
    return min(found)
