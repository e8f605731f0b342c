"""A text as the checks read it: facts, words, and which words carry content."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kb.facts import Fact, extract_facts
from kb.lexicon import fold, is_cjk, lexicon
from kb.stems import stem_of


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or one Han or kana character."""

    text: str
    """Lower case, folded."""
    start: int
    end: int
    name: bool
    """Written with a capital where others would not be."""
    first: bool
    """At the beginning of a sentence, where a capital says nothing."""
    stop: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A text, folded and taken apart."""

    text: str
    lower: str
    facts: tuple[Fact, ...]
    words: tuple[Word, ...]
    """Everything outside the facts; each Han or kana character is one."""

    @property
    def content(self) -> tuple[Word, ...]:
        """The words that carry meaning."""
        return tuple(word for word in self.words if not word.stop)


_SHARED = 0.5
"""Share of a statement's words, names aside, by which it is in a passage's language."""
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’-](?=[^\W_]))*")


@lru_cache(maxsize=512)
def read_text(text: str) -> Read:
    """Take a text apart; recent results are kept, since a passage is read for each sentence."""
    folded = fold(text)
    lower = folded.lower() if len(folded.lower()) == len(folded) else folded
    facts = tuple(extract_facts(text))
    taken = [(fact.start, fact.end) for fact in facts]
    words: list[Word] = []
    for match in _WORD.finditer(folded):
        if any(start < match.end() and match.start() < end for start, end in taken):
            words += _split_around(match, taken, lower)
            continue
        words += _words_of(match.start(), match.end(), folded, lower)
    return Read(folded, lower, facts, tuple(words))


def _split_around(
    match: re.Match[str], taken: Sequence[tuple[int, int]], lower: str
) -> Iterator[Word]:
    """Keep what a fact left of a run without blanks (``满50元包邮``)."""
    for start in range(match.start(), match.end()):
        if is_cjk(lower[start]) and not any(low <= start < high for low, high in taken):
            yield from _words_of(start, start + 1, lower, lower)


def _words_of(start: int, end: int, folded: str, lower: str) -> Iterator[Word]:
    position = start
    for cjk, group in itertools.groupby(folded[start:end], key=is_cjk):
        length = len(list(group))
        if cjk:
            for at in range(position, position + length):
                yield Word(
                    lower[at], at, at + 1, name=False, first=False, stop=_han_stop(lower, at)
                )
        else:
            yield _latin_word(position, position + length, folded, lower)
        position += length


def _latin_word(start: int, end: int, folded: str, lower: str) -> Word:
    text = lower[start:end].removesuffix("'s").strip("'-") or lower[start:end]
    before = folded[:start].rstrip(" \"'(*_«„“”-#")
    first = not before or before[-1] in ".!?:。！？\n|" or folded[:start].rstrip(" ").endswith("\n")
    stop = text in _stopwords() or len(text) < 2
    capital = folded[start].isupper()
    name = capital and not stop and (not first or (folded[start:end].isupper() and end - start > 1))
    return Word(text, start, end, name, first, stop)


@lru_cache(maxsize=1)
def _stopwords() -> frozenset[str]:
    return frozenset().union(*(v for k, v in lexicon().stopwords.items() if k != "zh"))


@lru_cache(maxsize=1)
def _han_stopwords() -> frozenset[str]:
    return lexicon().stopwords["zh"]


def _han_stop(text: str, at: int) -> bool:
    """Tell whether the character belongs to a stop word of one or two characters."""
    stops = _han_stopwords()
    return (
        text[at] in stops
        or text[at : at + 2] in stops
        or (at > 0 and text[at - 1 : at + 1] in stops)
    )


def shares_words(statement: str, passage: str) -> bool:
    """Tell whether a statement is in the words, and so in the language, of a passage.

    Names are the same in many languages, so small words count; detecting the language of a few
    words beside a foreign name fails ("Where was Friedrich Ratzel born?").
    """
    read = read_text(statement)
    small = [w.text for w in read.words if w.stop]
    own = small if len(small) > 1 else [w.text for w in read.words if w.stop or not w.first]
    there = {word.text for word in read_text(passage).words}
    return bool(own) and sum(word in there for word in own) >= _SHARED * len(own)


def same_word(left: str, right: str) -> bool:
    """Tell whether two lower-case words are forms of one (``deliver``, ``delivery``)."""
    if left == right:
        return True
    shorter = min(len(left), len(right))
    if shorter < 4 or is_cjk(left[0]):
        return len(left) > 2 and left.rstrip("s") == right.rstrip("s")
    common = len(_common_prefix(left, right))
    longer = max(len(left), len(right))
    return common >= 4 and common >= shorter - 2 and longer - common <= 4 and common >= 0.6 * longer


def beginning(word: str) -> str:
    """Return what a word of a heading has in common with its forms: "storing" and "store"."""
    return stem_of(word).removesuffix("e")


def _common_prefix(left: str, right: str) -> str:
    for i, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return left[:i]
    return min(left, right, key=len)


class Vocabulary:
    """The words of a text, to ask for forms of a word."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._exact = {word.text for word in words}
        self._stems: dict[str, list[str]] = {}
        for word in self._exact:
            self._stems.setdefault(word[:4], []).append(word)
            for part in word.split("-") if "-" in word else ():
                self._stems.setdefault(part[:4], []).append(part)
        self._joined = "".join(word.text for word in words if is_cjk(word.text[0]))

    def __contains__(self, word: str) -> bool:
        if word in self._exact:
            return True
        return any(same_word(word, other) for other in self._stems.get(word[:4], ()))

    def has_run(self, run: str) -> bool:
        """Tell whether these Han characters stand beside each other."""
        return run in self._joined


@lru_cache(maxsize=512)
def vocabulary(read: Read) -> Vocabulary:
    """Return the words of a text, to ask for forms of a word."""
    return Vocabulary(read.words)


def covered(at: int, words: Sequence[Word], known: Vocabulary) -> bool:
    """Tell whether the word at a place stands in a text; a Han character with a neighbour."""
    word = words[at]
    if not is_cjk(word.text[0]):
        return word.text in known or parts_known(word.text, known)
    # A Han character counts if it stands beside the same neighbour as in the passage.
    before = words[at - 1] if at and words[at - 1].end == word.start else None
    after = words[at + 1] if at + 1 < len(words) and words[at + 1].start == word.end else None
    pairs = [before.text + word.text] if before and is_cjk(before.text[0]) else []
    pairs += [word.text + after.text] if after and is_cjk(after.text[0]) else []
    return any(known.has_run(pair) for pair in pairs) if pairs else word.text in known


def parts_known(word: str, known: Vocabulary) -> bool:
    """Tell whether a hyphenated word is made of words of a text."""
    return "-" in word and all(part in known or len(part) < 2 for part in word.split("-"))
