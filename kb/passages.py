"""How sure the best passage is: does it say what the question asks about?

`kb.rank` orders passages by the evidence of the found rows. A passage on the same subject that
does not answer looks nearly as good by these, so the best one is read once more, sentence by
sentence, and for the words and names of the question that it lacks.
"""

import re
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from core.types import Chunk
from kb.calibrate import Doubles
from kb.features import Bags, Floats, Ints, Rarity, char_bags, word_bags
from kb.language import detect_language
from kb.lexicon import is_cjk
from kb.stems import content_words, stem_of
from kb.text import normalise, split_sentences

FEATURES = (
    "best", "lift", "margin", "char", "char_margin", "cover", "cover_margin",
    "ahead", "sentence_char", "sentence_cover", "missing", "names",
)  # fmt: skip
"""In the order of the weights: seven of `kb.rank.FEATURES` and five of the best passage."""

Sort: TypeAlias = Literal["spaced", "han", "across"]
"""Of question and passage: with blanks between words, Chinese, or in two languages."""
SORTS: tuple[Sort, ...] = ("spaced", "han", "across")

_FROM_RANK = [0, 2, 3, 4, 5, 6, 7]
"""Places of the seven; a passage has one row, so the mean of its rows says nothing new."""
_FAR_AHEAD = 10.0
_NAME = re.compile(r"(?<=\s)[A-ZÀ-ÞА-ЯЁ][\w-]+|\d+")


def passage_sureness(
    question: str,
    chunk: Chunk,
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
        chunk: the passage with the highest score.
        evidence: `kb.rank.row_evidence` of all candidates, shape (n, 8).
        scores: of all candidates.
        groups: a number for each candidate; those of one group do not compete. ``None``: all do.
        chars: how rare characters are in the base.
        words: how rare words are.
    """
    best = int(scores.argmax())
    rivals = np.arange(len(scores)) != best if groups is None else groups != groups[best]
    ahead = min(float(scores[best] - scores[rivals].max(initial=-np.inf)), _FAR_AHEAD)
    sentence_chars, sentence_words = _read(chunk)
    own = [
        ahead,
        float(chars.cosine(char_bags([question]), sentence_chars).max()),
        float(words.coverage(word_bags([question]), sentence_words).max()),
        _missing(question, chunk, words),
        float(_strange_names(question, chunk)),
    ]
    return np.asarray([*evidence[best, _FROM_RANK], *own], np.float32)


def sort_of(question: str, chunk: Chunk) -> Sort:
    """Return which weights judge a passage."""
    if chunk.language and detect_language(question, chunk.language) != chunk.language:
        return "across"
    return "han" if sum(map(is_cjk, question)) > 0.3 * len(question) else "spaced"


@lru_cache(maxsize=512)
def _read(chunk: Chunk) -> tuple[Bags, Bags]:
    sentences = split_sentences(chunk.text, chunk.language) or [chunk.text]
    return char_bags(sentences), word_bags(sentences)


def _missing(question: str, chunk: Chunk, words: Rarity) -> float:
    """Return the share of the question's content words that a passage has not, by rarity."""
    asked = content_words(question)
    if not asked:
        return 0.0
    weight = words.of_terms(asked)
    there = {stem_of(word) for word in content_words(f"{chunk.title}\n{chunk.text}")}
    lacking = np.asarray([stem_of(word) not in there for word in asked])
    return float(weight[lacking].sum() / weight.sum())


def _strange_names(question: str, chunk: Chunk) -> int:
    """Count the names and numbers of the question that a passage has not."""
    said = normalise(f"{chunk.title} {chunk.text}")
    return sum(normalise(name) not in said for name in _NAME.findall(question))


def spread(scores: Doubles, sure: float) -> Floats:
    """Return probabilities of all candidates: of the best `sure`, of the others
    what their odds against it allow."""
    odds = np.exp(scores - scores.max())
    judged = np.minimum(odds / odds.sum(), odds * sure)
    judged[np.argmax(scores)] = sure
    return np.asarray(judged, np.float32)
