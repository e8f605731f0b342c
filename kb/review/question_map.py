"""Questions as a map: those of like meaning near each other, in groups named by their words."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.types import Matrix
from kb.text.lexicon import is_cjk
from kb.text.stems import content_words

_MOST_GROUPS = 12
_PER_GROUP = 10
"""Times the square of the number of groups: 250 questions make five, 1,440 or more twelve."""
_ROUNDS = 30
_NAMED_BY = 3


@dataclass(frozen=True, slots=True)
class QuestionMap:
    """Where questions lie; the same vectors always give the same map."""

    places: Matrix
    """A row for each, x and y, 0 to 1."""
    groups: npt.NDArray[np.intp]
    """The group of each; 0 is the largest."""
    middles: Sequence[int]
    """Of each group the question nearest to its centre."""


def lay_out(vectors: Matrix) -> QuestionMap:
    """Lay questions out by the two directions in which their vectors differ most (PCA), and group
    them by meaning (k-means, always from the same start)."""
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
    places = centred @ axes
    places *= np.where(places[np.abs(places).argmax(axis=0), [0, 1]] < 0, -1, 1)
    places = (places - places.min(axis=0)) / np.maximum(np.ptp(places, axis=0), 1e-6)
    wanted = min(_MOST_GROUPS, max(1, round(math.sqrt(len(vectors) / _PER_GROUP))))
    groups = _grouped(centred, wanted)
    by_size = np.argsort(-np.bincount(groups), kind="stable")
    groups = np.argsort(by_size)[groups]
    middles = []
    for group in range(len(by_size)):
        members = np.flatnonzero(groups == group)
        nearest = _distances(centred[members], centred[members].mean(axis=0, keepdims=True))
        middles.append(int(members[nearest.argmin()]))
    return QuestionMap(places.astype(np.float32), groups, middles)


def name_groups(texts: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the words that most tell each group's questions from the others' (tf-idf)."""
    counts = [Counter(word for text in group for word in {*content_words(text)}) for group in texts]
    everywhere, total = sum(counts, Counter[str]()), sum(map(len, texts))
    names = []
    for group, count in zip(texts, counts, strict=True):
        told = {
            word: times / len(group) * math.log(1 + total / everywhere[word])
            for word, times in count.items()
            if times > 1 or len(group) < _NAMED_BY
        }
        name: list[str] = []
        for word in sorted(told, key=lambda word: (-told[word], word)):
            # Pairs of Chinese characters overlap: 退货 and 货政 of 退货政策.
            if not (is_cjk(word[0]) and {*word} & {*"".join(name)}):
                name.append(word)
        names.append(name[:_NAMED_BY])
    return names


def _grouped(points: Matrix, wanted: int) -> npt.NDArray[np.intp]:
    """Return the group of each point, numbered from 0 without gaps."""
    random = np.random.default_rng(0)
    centres = points[random.integers(len(points), size=1)]
    for _ in range(1, wanted):  # as k-means++ begins
        far = np.maximum(_distances(points, centres).min(axis=1), 0).astype(np.float64)
        if far.sum() < 1e-6:
            break
        centres = np.vstack([centres, points[random.choice(len(points), p=far / far.sum())]])
    groups = _distances(points, centres).argmin(axis=1)
    for _ in range(_ROUNDS):
        there = np.unique(groups)
        centres = np.stack([points[groups == group].mean(axis=0) for group in there])
        before, groups = groups, _distances(points, centres).argmin(axis=1)
        if np.array_equal(before, groups):
            break
    return np.unique(groups, return_inverse=True)[1]


def _distances(points: Matrix, centres: Matrix) -> Matrix:
    """Return the squared distance of each point, a row, from each centre."""
    squares = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    distances: Matrix = squares - 2 * points @ centres.T
    return distances
