"""What speaks for a candidate: nearness, letters and words; the same for entries and passages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from kb.ranking.candidates import Candidate
from kb.ranking.features import BagCache, Floats, Ints, Rarity, char_bags, question_bags, stem_bags
from kb.text.language import detect_language

FEATURES = (
    "stated", "lift", "entry", "letters", "own_letters", "words", "own_words", "foreign",
    "foreign_asked",
)  # fmt: skip
"""Of a candidate, in the order of the weights; see `Evidence.of`."""
CERTAINTY = ("score", "share", "words", "asked_words")
"""Of the best candidate, in the order of the weights; see `certainty`."""
_KEPT_TEXTS = 1_000
"""Texts whose n-grams are kept; at most 20 MB."""
_NEAR = 0.7
"""Cosine from which on a question in another language is more than like."""
_NONE = 0.1
"""Odds that stand for "none of these" beside the candidates'."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Computes the features of candidates; holds how rare letters and words are in the base."""

    letters: Rarity = field(default_factory=Rarity.flat)
    words: Rarity = field(default_factory=Rarity.flat)
    _letter_bags: BagCache = field(default_factory=partial(BagCache, char_bags, size=_KEPT_TEXTS))
    _word_bags: BagCache = field(default_factory=partial(BagCache, stem_bags, size=_KEPT_TEXTS))

    def of(self, question: str, candidates: Sequence[Candidate]) -> Floats:
        """Return the features of candidates, shape (n, len(FEATURES)).

        ``stated``: cosine with passage or answer. ``lift``: how much nearer an entry's question is
        than its answer. ``entry``: 1 for an entry. ``letters``, ``words``: tf-idf cosine of
        character n-grams with the statement, and which share of the question's content words, by
        rarity, stands in the text. ``own_letters``, ``own_words``: the same of an entry's nearest
        question; 0 for a passage. ``foreign``: 1 for a text in another language than the question.
        ``foreign_asked``: by how much more than .7 the question of such an entry is near.
        """
        entry = np.asarray([c.chunk.kind == "faq" for c in candidates], np.float32)
        stated = np.asarray([c.stated for c in candidates], np.float32)
        asked = np.asarray([c.asked for c in candidates], np.float32)
        letters, words = question_bags(question)
        statements = [c.statement for c in candidates]
        read = [f"{c.chunk.title}\n{c.chunk.text}\n{c.chunk.answer}" for c in candidates]
        own = [text for c in candidates for text in c.questions]
        owner = np.repeat(np.arange(len(candidates)), [len(c.questions) for c in candidates])
        languages = {c.chunk.language for c in candidates} - {""}
        foreign = {code for code in languages if detect_language(question, code) != code}
        told = np.asarray([c.chunk.language in foreign for c in candidates], np.float32)
        columns = [
            stated,
            entry * (asked - stated),
            entry,
            self.letters.cosine(letters, self._letter_bags.bags(statements)),
            _best(owner, self.letters.cosine(letters, self._letter_bags.bags(own)), entry),
            self.words.coverage(words, self._word_bags.bags(read)),
            _best(owner, self.words.coverage(words, self._word_bags.bags(own)), entry),
            told,
            told * entry * np.maximum(0, asked - _NEAR),
        ]
        return np.stack(columns, axis=1).astype(np.float32)


def certainty(features: Floats, scores: Floats, question_words: int) -> Floats:
    """Return the features by which the best candidate is judged, shape (len(CERTAINTY),).

    ``score``: its log-odds. ``share``: its odds among those of all, 0 to 1. ``words``: which share
    of the question's content words stands in it. ``asked_words``: log of how many these are.
    `features` and `scores`, the log-odds that give the order, are those of all candidates.
    """
    best = int(np.argmax(scores))
    share = np.exp(scores[best] - np.logaddexp.reduce([np.log(_NONE), *scores]))
    words = features[best][FEATURES.index("words")]
    return np.asarray([scores[best], share, words, np.log1p(question_words)], np.float32)


def _best(owner: Ints, values: Floats, entry: Floats) -> Floats:
    """Return each candidate's highest value; 0 for one without any."""
    out = np.zeros(len(entry), np.float32)
    np.maximum.at(out, owner, values)
    return out * entry
