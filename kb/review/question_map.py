"""A map of questions by meaning, in groups named by their most telling words."""

import math
import warnings
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
_FITTED = 10_000
"""15 MB of vectors; of more, a random sample, always the same."""
_NAMED_BY = 3
_TELLING = 3
"""Times as frequent as elsewhere a word must be: without any list of small words, of 252 names of
groups of English, German, Spanish and Russian questions (XQuAD, by article) 6 were small words, and
195 by tf-idf."""


@dataclass(frozen=True, slots=True)
class QuestionMap:
    """Positions of questions; the same vectors always give the same map."""

    places: Matrix
    """A row for each, x and y, 0 to 1."""
    groups: npt.NDArray[np.intp]
    """The group of each; 0 is the largest."""
    middles: Sequence[int]
    """The question nearest to the centre of each group."""


def lay_out(vectors: Matrix | npt.NDArray[np.int8]) -> QuestionMap:
    """Lay questions out by the two directions in which their vectors differ most (PCA), and group
    them by meaning (k-means, always from the same start), both as `_FITTED` of them have it."""
    count, random = len(vectors), np.random.default_rng(0)
    few = vectors if count <= _FITTED else vectors[random.choice(count, _FITTED, replace=False)]
    middle = few.mean(axis=0, dtype=np.float32)
    fitted = few - middle
    axes = np.linalg.eigh(fitted.T @ fitted)[1][:, :-3:-1]
    wanted = min(_MOST_GROUPS, max(1, round(math.sqrt(count / _PER_GROUP))))
    centres = _centres(fitted, wanted)
    parts = []
    for start in range(0, count, _FITTED):
        centred = vectors[start : start + _FITTED] - middle
        away = (centres**2).sum(axis=1) - 2 * centred @ centres.T  # and as much more for all
        off = away.min(axis=1) + (centred**2).sum(axis=1)
        parts.append((centred @ axes, away.argmin(axis=1), off))
    places, nearest, off = (np.concatenate(part) for part in zip(*parts, strict=True))
    places *= np.where(places[np.abs(places).argmax(axis=0), [0, 1]] < 0, -1, 1)
    places = (places - places.min(axis=0)) / np.maximum(np.ptp(places, axis=0), 1e-6)
    groups = np.unique(nearest, return_inverse=True)[1]
    by_size = np.argsort(-np.bincount(groups), kind="stable")
    groups = np.argsort(by_size)[groups]
    members = (np.flatnonzero(groups == group) for group in range(len(by_size)))
    middles = [int(rows[off[rows].argmin()]) for rows in members]
    return QuestionMap(places.astype(np.float32), groups, middles)


def name_groups(texts: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the words that most tell each group's questions from the others' (each word's part of
    the Kullback-Leibler divergence): small words of any language are as frequent in all."""
    counts = [Counter(word for text in group for word in {*content_words(text)}) for group in texts]
    everywhere, total = sum(counts, Counter[str]()), sum(map(len, texts))
    names = []
    for group, count in zip(texts, counts, strict=True):
        told = {}
        for word, times in count.items():
            share = times / len(group)
            elsewhere = (everywhere[word] - times + 0.5) / (total - len(group) + 1)
            if share >= _TELLING * elsewhere and (times > 1 or len(group) < _NAMED_BY):
                told[word] = share * math.log(share / elsewhere)
        name: list[str] = []
        for word in sorted(told, key=lambda word: (-told[word], word)):
            # Pairs of Chinese characters overlap: 退货 and 货政 of 退货政策.
            if not (is_cjk(word[0]) and {*word} & {*"".join(name)}):
                name.append(word)
        names.append(name[:_NAMED_BY])
    return names


def _centres(points: Matrix, wanted: int) -> Matrix:
    """Return the centre of each group."""
    from scipy.cluster.vq import kmeans2  # 13 MB of memory

    wanted = min(wanted, len(np.unique(points, axis=0)))
    with warnings.catch_warnings(action="ignore"):  # a group may end empty
        centres: Matrix = kmeans2(
            points, wanted, iter=_ROUNDS, minit="++", rng=np.random.default_rng(0)
        )[0]
    return centres
