"""How sure the best passage is: does it say what the question asks about?

`kb.rank` orders passages by the evidence of the found rows. A passage on the same subject that
does not answer looks nearly as good by these, so the best one is read once more, sentence by
sentence, and for the words and names of the question that it lacks.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from core.types import Chunk
from kb.calibrate import Doubles
from kb.features import Bags, Floats, Ints, Rarity, char_bags, word_bags
from kb.language import detect_language
from kb.lexicon import is_cjk
from kb.stems import content_words, stem_of, stems
from kb.text import normalise, split_sentences

FEATURES = (
    "best", "lift", "margin", "char", "char_margin", "cover", "cover_margin",
    "ahead", "sentence_char", "sentence_cover", "missing", "names", "rare", "pairs", "elsewhere",
)  # fmt: skip
"""In the order of the weights: seven of `kb.rank.FEATURES` and eight of the best passage."""

Sort: TypeAlias = Literal["spaced", "han", "across"]
"""Of question and passage: with blanks between words, Chinese, or in two languages."""
SORTS: tuple[Sort, ...] = ("spaced", "han", "across")

_FROM_RANK = [0, 2, 3, 4, 5, 6, 7]
"""Places of the seven; a passage has one row, so the mean of its rows says nothing new."""
_FAR_AHEAD = 10.0
_RIVALS = 3
"""Passages after the best that are looked into for what it lacks."""
_NAME = re.compile(r"(?<=\s)[A-ZÀ-ÞА-ЯЁ][\w-]+|\d+")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model that has read some passages with the question says of them (`kb.rerank`)."""

    likes: Mapping[str, float]
    """By chunk id, what is added to a passage's score to order them anew; see `reordered`."""
    surer: Mapping[str, float]
    """By chunk id, what is added to the log-odds that it answers, should it come first."""


NO_OPINION = Opinion({}, {})


def passage_sureness(
    question: str,
    chunks: Sequence[Chunk],
    *,
    evidence: Floats,
    scores: Doubles,
    groups: Ints | None,
    chars: Rarity,
    words: Rarity,
) -> Floats:
    """Return the features by which the best of several passages is judged.

    Args:
        question: as it was asked.
        chunks: all candidates.
        evidence: `kb.rank.row_evidence` of all candidates, shape (n, 8).
        scores: of all candidates.
        groups: a number for each candidate; those of one group do not compete. ``None``: all do.
        chars: how rare characters are in the base.
        words: how rare words are.
    """
    best = int(scores.argmax())
    rivals = np.arange(len(scores)) != best if groups is None else groups != groups[best]
    ahead = min(float(scores[best] - scores[rivals].max(initial=-np.inf)), _FAR_AHEAD)
    order = [int(i) for i in np.argsort(-scores, kind="stable") if rivals[i]]
    read = _read(chunks[best])
    asked = list(dict.fromkeys(content_words(question)))
    missing, elsewhere = _missing(asked, read, [_read(chunks[i]) for i in order[:_RIVALS]], words)
    own = [
        ahead,
        float(chars.cosine(char_bags([question]), read.chars).max()),
        float(words.coverage(word_bags([question]), read.words).max()),
        missing,
        float(_strange_names(question, chunks[best])),
        float(words.of_terms(asked).mean() / words.most) if asked else 0.0,
        _pairs(question, read),
        elsewhere,
    ]
    return np.asarray([*evidence[best, _FROM_RANK], *own], np.float32)


def sort_of(question: str, chunk: Chunk) -> Sort:
    """Return which weights judge a passage."""
    if chunk.language and detect_language(question, chunk.language) != chunk.language:
        return "across"
    return "han" if sum(map(is_cjk, question)) > 0.3 * len(question) else "spaced"


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage, taken apart."""

    chars: Bags
    """Of each sentence."""
    words: Bags
    stems: frozenset[str]
    """Of its headings and all of it."""
    pairs: tuple[frozenset[tuple[str, str]], ...]
    """Of each sentence: content words that follow one another."""


@lru_cache(maxsize=1024)
def _read(chunk: Chunk) -> _Read:
    sentences = split_sentences(chunk.text, chunk.language) or [chunk.text]
    return _Read(
        char_bags(sentences),
        word_bags(sentences),
        frozenset(stems(f"{chunk.title}\n{chunk.text}")),
        tuple(frozenset(itertools.pairwise(stems(sentence))) for sentence in sentences),
    )


def _missing(
    asked: Sequence[str], read: _Read, rivals: Sequence[_Read], words: Rarity
) -> tuple[float, float]:
    """Return which share of the question's content words a passage has not, by rarity, and which
    one of its rivals has of these."""
    if not asked:
        return 0.0, 0.0
    weight = words.of_terms(asked)
    lacking = np.asarray([stem_of(word) not in read.stems for word in asked])
    there = [[stem_of(word) in rival.stems for word in asked] for rival in rivals]
    stolen = max((float(weight[lacking & np.asarray(has)].sum()) for has in there), default=0.0)
    return float(weight[lacking].sum() / weight.sum()), stolen / float(weight.sum())


def _pairs(question: str, read: _Read) -> float:
    """Return which share of the question's neighbouring words are neighbours in one sentence."""
    asked = frozenset(itertools.pairwise(stems(question)))
    return max(len(asked & pairs) for pairs in read.pairs) / max(1, len(asked))


def _strange_names(question: str, chunk: Chunk) -> int:
    """Count the names and numbers of the question that a passage has not."""
    said = normalise(f"{chunk.title} {chunk.text}")
    return sum(normalise(name) not in said for name in _NAME.findall(question))


def reordered(scores: Doubles, likes: Mapping[int, float]) -> Doubles:
    """Return the scores, those of liked candidates handed out among them in another order.

    They are ordered by score and liking together; the best of them gets their highest score, and
    so on. So how far the first is ahead keeps the scale that sureness was learned on.

    Args:
        scores: of all candidates.
        likes: by place, what a second opinion adds; may be empty.
    """
    before = sorted(likes, key=lambda place: -scores[place])
    after = sorted(before, key=lambda place: -(scores[place] + likes[place]))
    handed = scores.copy()
    handed[after] = scores[before]
    return handed


def spread(scores: Doubles, sure: float) -> Floats:
    """Return probabilities of all candidates: of the best `sure`, of the others
    what their odds against it allow."""
    odds = np.exp(scores - scores.max())
    judged = np.minimum(odds / odds.sum(), odds * sure)
    judged[np.argmax(scores)] = sure
    return np.asarray(judged, np.float32)
