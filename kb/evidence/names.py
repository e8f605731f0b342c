"""Names and quotations have to stand in the passage."""

import difflib
import re
from collections.abc import Iterator

from kb.evidence.reading import Read, Vocabulary, Word, parts_known, same_word, vocabulary
from kb.evidence.verdict import Reason


def wrong_names(reply: Read, source: Read, asked: Read, *, same_language: bool) -> Iterator[Reason]:
    """Find names that the source does not have; a common word of the question is no name."""
    known = vocabulary(source)
    asked_lower = {word.text for word in asked.words if not word.name}
    nouns_capital = _capitalises_nouns(reply)
    for word in reply.words:
        capital = word.name or (word.first and not word.stop and reply.text[word.start].isupper())
        if not capital or _is_known(word, source, known):
            continue
        if not same_language:
            if not (nouns_capital or word.first) and not _transliterated(word.text, source):
                yield Reason("name", reply.text[word.start : word.end])
            continue
        common = any(same_word(word.text, other) for other in asked_lower)
        if nouns_capital:
            common |= any(same_word(word.text, other.text) for other in asked.words)
        if not common:
            yield Reason("name", reply.text[word.start : word.end])


_ENDINGS = frozenset({"s", "es", "n", "en", "e", "er", "an", "ian", "y"})
"""What a name may have more or less in another place: "Berlin", "Berlins", "Berliner"."""


def _is_known(word: Word, source: Read, known: Vocabulary) -> bool:
    """Tell whether a source has a name, not just one that begins alike ("Frank", "France").

    Forms of a common word, which the source writes in lower case, may differ in more.
    """
    if word.text not in known:
        return parts_known(word.text, known)
    if word.text > "\u0370":
        return True  # Russian declines its names
    same = [other for other in source.words if same_word(word.text, other.text)]
    return not same or any(
        source.text[other.start].islower() or _same_name(word.text, other.text) for other in same
    )


def _same_name(left: str, right: str) -> bool:
    shorter, longer = sorted((left, right), key=len)
    return shorter == longer or (
        longer.startswith(shorter) and longer[len(shorter) :].strip("'’") in _ENDINGS
    )


_GERMAN = re.compile(r"\b(?:der|die|das|und|ist|sind|wird|werden|kann|können|sie|nicht|mit|für)\b")


def _capitalises_nouns(reply: Read) -> bool:
    return len(set(_GERMAN.findall(reply.lower))) >= 2


_CYRILLIC = dict(zip("бвгджзклмнпрстфхцчшщ", "bvgdzzklmnprstfhccss", strict=True))


def _transliterated(word: str, source: Read) -> bool:
    """Tell whether a name in Cyrillic has the consonants of a word of a passage in Latin."""
    if not "а" <= word[0] <= "я":
        return False
    wanted = _consonants("".join(_CYRILLIC.get(c, "") for c in word))
    return any(
        difflib.SequenceMatcher(None, wanted, _consonants(other.text)).ratio() >= 0.7
        for other in source.words
        if other.name or other.first
    )


def _consonants(word: str) -> str:
    folded = word.replace("x", "ks").replace("w", "v").replace("q", "k").replace("j", "z")
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^bcdfghklmnprstvz]", "", folded))


_QUOTED = re.compile(r"[\"“„«「『《]([^\"”“»」』》]{2,})[\"”“»」』》]")


def wrong_quotations(reply: Read, source: Read, *, same_language: bool) -> Iterator[Reason]:
    """Find quoted words that the source does not have."""
    squeezed = re.sub(r"[\s\W]", "", source.lower)
    for match in _QUOTED.finditer(reply.lower):
        same_script = same_language or match[1].isascii()
        if same_script and re.sub(r"[\s\W]", "", match[1]) not in squeezed:
            yield Reason("quotation", match[1])
