"""Tell similar questions about different things from paraphrases of one question."""

from difflib import SequenceMatcher

from kb.text.facts import agree, extract_facts, without_facts
from kb.text.segmentation import words
from kb.text.stems import content_words, same_word

_SPELLING = 0.75
"""Likeness of two spellings of one word (2 letters swapped in 6: .83)."""
_LONG_WORD = 4


def each_its_own(text: str, other: str) -> bool:
    """Tell whether each of two questions has a word or figure that the other has not.

    "Do you ship to France?" and "Do you ship to Spain?" are alike and ask different things.
    """
    return _has_its_own(text, other) and _has_its_own(other, text)


def _has_its_own(text: str, other: str) -> bool:
    known = {*words(without_facts(other)), *content_words(without_facts(other))}
    return any(
        not any(same_word(word, k) or _misspelt(word, k) for k in known)
        for word in content_words(without_facts(text))
    ) or any(
        not any(agree(fact, there) for there in extract_facts(other))
        for fact in extract_facts(text)
    )


def _misspelt(word: str, other: str) -> bool:
    if min(len(word), len(other)) < _LONG_WORD:
        return False
    matcher = SequenceMatcher(None, word, other, autojunk=False)
    return matcher.quick_ratio() >= _SPELLING and matcher.ratio() >= _SPELLING
