"""Do two questions that are much alike ask the same? Each has a word of its own, or not."""

from difflib import SequenceMatcher

from kb.evidence.claims import agrees
from kb.evidence.reading import Read, read_text, same_word

_SPELLING = 0.75
"""Likeness of two spellings of one word (2 letters swapped in 6: .83)."""
_LONG_WORD = 4


def each_its_own(text: str, other: str) -> bool:
    """Tell whether each of two questions has a word or figure that the other has not.

    "Do you ship to France?" and "Do you ship to Spain?" are alike and ask different things.
    """
    left, right = read_text(text), read_text(other)
    return _has_its_own(left, right) and _has_its_own(right, left)


def _has_its_own(read: Read, other: Read) -> bool:
    known = {word.text for word in other.words}
    return any(
        not any(same_word(word.text, k) or _misspelt(word.text, k) for k in known)
        for word in read.content
    ) or any(not any(agrees(fact, there, other) for there in other.facts) for fact in read.facts)


def _misspelt(word: str, other: str) -> bool:
    if min(len(word), len(other)) < _LONG_WORD:
        return False
    return SequenceMatcher(None, word, other, autojunk=False).ratio() >= _SPELLING
