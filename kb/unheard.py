"""Names in a question that a knowledge base has never heard.

Asked about the range of another maker's e-bike, the entry about the shop's own is near by every
measure of likeness. That a name is nowhere in the base speaks against whatever was found.
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from core.types import Hit
from kb.language import detect_language
from kb.lexicon import is_cjk, lexicon
from kb.stems import stopwords
from kb.text import normalise, words

_WORD = re.compile(r"[^\W\d_](?:[^\W_]|-(?=[^\W_]))*(?!['’]\w)")
_BEGINNING = ".!?:;¿¡。！？：\n"
_MARKS = " \"'(*_«„“”-#"
_SHORT = 4
"""Letters up to which capitals alone are an abbreviation or shouting, not a name."""
_MOST_CAPITALS = 0.7
"""Share of words with a capital, after the first, above which it is the writer's habit."""
_CAPITAL_NOUNS = frozenset({"de", "lb"})
_FEWEST_LATIN = 3
"""Letters of a word in Latin script that counts as a name in a Chinese question."""
_LONG_WORD = 4
_ALIKE = 0.7
"""Share of neighbouring letters that two spellings of a name have in common (Dice)."""

_SEVERAL = 3
_PASSAGE_ODDS = 3.0
"""What is taken off the log-odds of passages. In xquad (en, es, zh) a question names something
unheard 20 times as often when its passage was left out as when it is there (.16 and .008)."""


@dataclass(frozen=True, slots=True)
class Openness:
    """How much a base's own questions say that another name changes nothing."""

    signs: int = 0
    """Questions with a name that nothing else in the base has, and entries whose questions give
    three names and more. Where customers name their cities, any city is answered for."""

    @property
    def share(self) -> float:
        """How sure an entry remains that was asked about an unheard name: rule of succession."""
        return (self.signs + 1) / (self.signs + 2)

    @classmethod
    def of(
        cls, questions: Sequence[str], owners: Iterable[int], answers: Sequence[str]
    ) -> "Openness":
        """Count over all questions; `owners` gives the entry of each."""
        names: dict[int, set[str]] = {}
        for text, owner in zip(questions, owners, strict=True):
            names.setdefault(owner, set()).update(names_in(text))
        read = [frozenset(words(text)) for text in questions]
        count = Counter(word for found in (*read, *map(words, answers)) for word in set(found))
        signs = sum(len(own_names) >= _SEVERAL for own_names in names.values())
        for text, own in zip(questions, read, strict=True):
            parts = [part for name in names_in(text) for part in words(name) if count[part] < 2]
            if parts:
                others = {word for word, n in count.items() if n > (word in own)}
                signs += any(not _alike_any(part, others) for part in parts)
        return cls(signs)


def names_in(question: str) -> tuple[str, ...]:
    """Return the names of a question, folded: words with a capital where others have none.

    In Chinese or Japanese, words in Latin script. None where capitals say nothing: in German,
    and where most words have one.
    """
    found = list(_WORD.finditer(question))
    if any(map(is_cjk, question)):
        latin = (name for match in found for name in re.findall(r"[A-Za-z][\w-]*", match[0]))
        folded = (normalise(re.sub(r"[^\x00-\xff]", "", name)) for name in latin)
        return tuple(n for n in folded if len(n) >= _FEWEST_LATIN and n not in stopwords())
    later = [match for match in found if not _begins(match) and match[0] != "I"]
    capital = sum(match[0] != match[0].lower() for match in later)
    if capital > _MOST_CAPITALS * len(later):
        return ()
    content = [match for match in found if normalise(match[0]) not in stopwords()]
    dates = lexicon().months.keys() | lexicon().weekdays.meaning.keys()
    folded = (normalise(match[0]) for match in content if _is_name(match))
    names = tuple(name for name in folded if name not in dates)
    return () if names and detect_language(question) in _CAPITAL_NOUNS else names


def _is_name(match: re.Match[str]) -> bool:
    word = match[0]
    if word.isupper():
        return len(word) > _SHORT
    return (word[0].isupper() and not _begins(match)) or word[1:] != word[1:].lower()


def _begins(match: re.Match[str]) -> bool:
    """Tell whether a word begins a sentence, where a capital says nothing."""
    before = match.string[: match.start()].rstrip(_MARKS)
    return not before or before[-1] in _BEGINNING


def spelled_in(name: str, texts: Collection[str]) -> bool:
    """Tell whether a folded name, or another spelling of it, stands in one of the texts."""
    if any(name in normalise(text) for text in texts):
        return True
    return _alike_any(name, {word for text in texts for word in words(text)})


def doubted(question: str, hits: Sequence[Hit], openness: Openness) -> list[Hit]:
    """Return what was found for a question that gives an unheard name, with less probability.

    Entries whose own questions give different names stay as they are, and texts in another
    language, where "Spain" is "España"; Chinese questions give foreign names as they are.
    """
    found = []
    languages = {hit.chunk.language for hit in hits}
    same = {language: _same_names(question, language) for language in languages}
    for hit in hits:
        if not same[hit.chunk.language]:
            found.append(hit)
        elif hit.chunk.kind == "passage":
            bounded = min(max(hit.probability, 1e-9), 1 - 1e-9)
            odds = math.log(bounded / (1 - bounded)) - _PASSAGE_ODDS
            found.append(replace(hit, probability=1 / (1 + math.exp(-odds))))
        elif len({n for text in (hit.chunk.text, *hit.chunk.variants) for n in names_in(text)}) > 1:
            # "Do you deliver to Mumbai?" and "Will it come to Chennai?" are answered alike.
            found.append(hit)
        else:
            found.append(replace(hit, probability=hit.probability * openness.share))
    return found


def _same_names(question: str, language: str) -> bool:
    if not language or any(map(is_cjk, question)):
        return True
    return detect_language(question, language) == language


def _alike_any(name: str, others: Collection[str]) -> bool:
    if len(name) < _LONG_WORD:
        return name in others
    left = _neighbours(name)
    for other in others:
        if len(other) >= _LONG_WORD and abs(len(other) - len(name)) < len(name):
            right = _neighbours(other)
            if 2 * len(left & right) >= _ALIKE * (len(left) + len(right)):
                return True
    return False


@lru_cache(maxsize=8192)
def _neighbours(word: str) -> frozenset[str]:
    return frozenset(a + b for a, b in itertools.pairwise(f" {word} "))
