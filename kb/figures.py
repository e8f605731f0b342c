"""Numbers, dates and amounts that differ between two texts about the same thing. Pure functions."""

from collections.abc import Iterator
from dataclasses import dataclass

from kb.evidence.claims import agrees
from kb.evidence.reading import Read, read_text, same_word
from kb.facts import Fact
from kb.lexicon import is_cjk
from kb.text import split_sentences

_KINDS = frozenset({"number", "amount", "percent", "date", "time"})
_LOWER = frozenset({"ge", "gt", "lo"})
_UPPER = frozenset({"le", "lt", "hi", "within"})

_SHARED = 0.6
"""Of the content words of the shorter of two sentences, how many the other has too. Over the
figures of the demo shop's files against each other, .6 with two shared words gives no alarm."""
_SHARED_WORDS = 2.0
_HAN_WORD = 0.5
"""A Han character counts half: most words have two."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A passage, or an entry: its answer with the question that it answers."""

    text: str
    question: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of one text that another text has otherwise."""

    mine: str
    """The figure, with its unit, as the text writes it."""
    theirs: str
    sentence: str
    other_sentence: str


def differing_figure(new: Statement, old: Statement, *, alike: bool) -> Difference | None:
    """Return the first figure of `new` that `old` has otherwise, ``None`` if there is none.

    Both must measure the same: days and days, an amount and an amount. A figure that stands
    anywhere in the other text is not in question.

    Args:
        new: what is to be published.
        old: what is there.
        alike: whether both answer nearly the same question; else the sentences themselves must
            share most of their words.
    """
    whole_new, whole_old = read_text(new.text), read_text(old.text)
    mine = [f for f in _figures(whole_new) if not _stands_in(f, whole_old)]
    theirs = [f for f in _figures(whole_old) if not _stands_in(f, whole_new)]
    if not any(_same_measure(a, b) for a in mine for b in theirs):
        return None
    for sentence, other in _pairs(new, old, alike=alike):
        for fact in _figures(read_text(sentence)):
            if _stands_in(fact, whole_old):
                continue
            for rival in _figures(read_text(other)):
                if _same_measure(fact, rival) and not _stands_in(rival, whole_new):
                    return Difference(fact.text.strip(), rival.text.strip(), sentence, other)
    return None


def _figures(read: Read) -> list[Fact]:
    return [fact for fact in read.facts if fact.kind in _KINDS and fact.certain]


def _stands_in(fact: Fact, text: Read) -> bool:
    return any(agrees(fact, other, text) or agrees(other, fact, text) for other in text.facts)


def _same_measure(fact: Fact, other: Fact) -> bool:
    bounds = {fact.bound, other.bound}
    opposite = bool(bounds & _LOWER) and bool(bounds & _UPPER)
    return fact.kind == other.kind and fact.unit == other.unit and not opposite


def _pairs(new: Statement, old: Statement, *, alike: bool) -> Iterator[tuple[str, str]]:
    for sentence in split_sentences(new.text, new.language):
        for other in split_sentences(old.text, old.language):
            if alike or _about_the_same(sentence, new.question, other, old.question):
                yield sentence, other


def _about_the_same(sentence: str, question: str, other: str, other_question: str) -> bool:
    """Compare content words, those of the questions included where that is more.

    Sentences of which each has a name that the other lacks ("France", "Spain") are about two
    things.
    """
    if _names(sentence, other) and _names(other, sentence):
        return False
    left = [_content(sentence), _content(f"{question}\n{sentence}")]
    right = [_content(other), _content(f"{other_question}\n{other}")]
    return any(_overlap(a, b) for a in left for b in right)


def _names(sentence: str, other: str) -> bool:
    """Tell whether a sentence has a name that does not stand in the other."""
    known = [word.text for word in read_text(other).words]
    return any(
        word.name and not any(same_word(word.text, k) for k in known)
        for word in read_text(sentence).words
    )


def _content(text: str) -> list[str]:
    return list(dict.fromkeys(word.text for word in read_text(text).content))


def _overlap(left: list[str], right: list[str]) -> bool:
    if _weight(left) > _weight(right):
        left, right = right, left
    shared = _weight([word for word in left if any(same_word(word, other) for other in right)])
    return shared >= _SHARED_WORDS and shared >= _SHARED * _weight(left)


def _weight(words: list[str]) -> float:
    return sum(_HAN_WORD if is_cjk(word[0]) else 1.0 for word in words)
