"""Stems: equal beginnings for the forms of a word; in Chinese, pairs of characters."""

from collections.abc import Iterable
from functools import lru_cache

from kb.text.lexicon import is_cjk, lexicon
from kb.text.segmentation import words


@lru_cache(maxsize=1)
def stopwords() -> frozenset[str]:
    """Return the words of all languages that carry no meaning of their own."""
    return frozenset().union(*lexicon().stopwords.values())


@lru_cache(maxsize=2048)
def stems(text: str) -> tuple[str, ...]:
    """Return the beginnings of a text's content words, in order.

    Of Chinese: each pair of neighbouring characters.
    """
    return tuple(stem_of(word) for word in content_words(text))


def content_words(text: str) -> list[str]:
    """Return a text's content words, folded, in order; of Chinese, each pair of characters."""
    found = words(text)
    content = []
    for i, word in enumerate(found):
        if not is_cjk(word[0]):
            bare = word.removesuffix("'s")
            if bare not in stopwords():
                content.append(bare)
        elif i + 1 < len(found) and is_cjk(found[i + 1][0]):
            content.append(word + found[i + 1])
    return content


def stem_of(word: str) -> str:
    """Return the beginning of a folded word that its forms have in common.

    A weekday is one word in all languages: "Freitag", "freitags" and "Fridays".
    """
    if is_cjk(word[0]):
        return word
    if len(word) > 3 and (day := lexicon().weekdays.get(word)):  # "sun" and "sat" are words, too
        return f"weekday {day}"
    if len(word) > 5:
        return word[: max(4, len(word) - 3)]
    return word.rstrip("s") if len(word) > 3 else word


def same_word(left: str, right: str) -> bool:
    """Tell whether two folded words are forms of one (``deliver``, ``delivery``)."""
    if left == right:
        return True
    shorter, longer = sorted((len(left), len(right)))
    if shorter < 4 or is_cjk(left[0]):
        return len(left) > 2 and left.rstrip("s") == right.rstrip("s")
    pairs = enumerate(zip(left, right, strict=False))
    common = next((i for i, (a, b) in pairs if a != b), shorter)
    return common >= max(4, shorter - 2, 0.6 * longer) and longer - common <= 4


def in_common(found: Iterable[str], question: str) -> set[str]:
    """Return those of some folded words of which a question has a form."""
    asked, begun = content_words(question), set(stems(question))
    return {w for w in found if stem_of(w) in begun or any(same_word(w, one) for one in asked)}
