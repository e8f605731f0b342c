"""Figures, dates, yes and no that differ between two texts about the same thing; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kb.text.facts import Fact, agree, extract_facts, names_in
from kb.text.lexicon import fold, is_cjk, yes_or_no
from kb.text.segmentation import split_sentences, words
from kb.text.stems import content_words, same_word

_KINDS = frozenset({"number", "amount", "percent", "date", "time"})
_LOWER = frozenset({"ge", "gt", "lo"})
_UPPER = frozenset({"le", "lt", "hi", "within"})

_SHARED = 0.6
"""Of the content words of the shorter of two sentences, how many the other has too. Over the
figures of the demo shop's files against each other, .6 with two shared words gives no alarm."""
_SHARED_WORDS = 2.0
_SPANS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.4, "year": 365.0}
"""Days of each unit of time: of two texts one may say months, and one years."""
_CAPITAL_NOUNS = frozenset({"de", "lb"})
"""Languages in which a capital does not mark a name."""
_NEAR, _SHARED_NEAR = 0.4, 0.3
"""From this similarity of two statements on, so much is enough, except of rows of tables, which
share the names of columns, and of figures without a unit."""
_HAN_WORD = 0.5
"""A pair of Han characters counts half: pairs overlap."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A passage, or an entry: its answer with the question that it answers."""

    text: str
    question: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that differs in another text."""

    mine: str
    """The figure, with its unit, as the text writes it."""
    theirs: str
    sentence: str
    other_sentence: str


def differing_figure(
    new: Statement, old: Statement, *, alike: bool, relation: float = 0.0
) -> Difference | None:
    """Return the first figure of `new` that differs in `old`, ``None`` if there is none.

    Both must measure the same: days and days, an amount and an amount. A figure that stands
    anywhere in the other text is not in question. Unless both answer nearly the same question
    (`alike`), the sentences themselves must share most of their words, or some if the vectors of
    the two statements are near (`relation`, 0: unrelated, 1: equal).
    """
    whole_new, whole_old = extract_facts(new.text), extract_facts(old.text)
    changed = [f for f in _figures(new.text) if not _stands_in(f, whole_old)]
    others = [f for f in _figures(old.text) if not _stands_in(f, whole_new)]
    if not any(_same_measure(a, b) for a in changed for b in others):
        return None
    for sentence in split_sentences(new.text, new.language):
        own = [fact for fact in _figures(sentence) if not _stands_in(fact, whole_old)]
        for other in split_sentences(old.text, old.language) if own else ():
            rivals = [fact for fact in _figures(other) if not _stands_in(fact, whole_new)]
            differing = ((a, b) for a in own for b in rivals if _same_measure(a, b))
            if (pair := next(differing, None)) and (
                alike
                or _about_the_same(
                    (sentence, new.question),
                    (other, old.question),
                    0.0 if "; " in f"{sentence} {other}" or not pair[0].unit else relation,
                    names=not {new.language, old.language} & _CAPITAL_NOUNS,
                )
            ):
                mine, theirs = (fact.text.strip() for fact in pair)
                return Difference(mine, theirs, sentence, other)
    return None


def opposite(answer: str, other: str) -> bool:
    """Tell whether one of two answers says yes, and the other one no."""
    return {yes_or_no(answer), yes_or_no(other)} == {"yes", "no"}


def about_two_things(text: str, other: str) -> bool:
    """Tell whether two questions differ in a figure, or each has a name that the other lacks."""
    mine, theirs = ([f for f in extract_facts(one) if f.certain] for one in (text, other))
    figures = (*(_stands_in(f, theirs) for f in mine), *(_stands_in(f, mine) for f in theirs))
    return not all(figures) or (_names(text, other) and _names(other, text))


def _figures(text: str) -> list[Fact]:
    return [fact for fact in extract_facts(text) if fact.kind in _KINDS and fact.certain]


def _stands_in(fact: Fact, facts: Sequence[Fact]) -> bool:
    return any(agree(fact, other) or agree(other, fact) for other in facts)


def _same_measure(fact: Fact, other: Fact) -> bool:
    bounds = {fact.bound, other.bound}
    opposite = bool(bounds & _LOWER) and bool(bounds & _UPPER)
    spans = {fact.unit, other.unit} <= _SPANS.keys() and _days(fact).isdisjoint(_days(other))
    same = fact.kind == other.kind and (fact.unit == other.unit or spans)
    return same and not opposite


def _days(fact: Fact) -> set[float]:
    return {round(float(value) * _SPANS[fact.unit]) for value in fact.values}


def _about_the_same(
    mine: tuple[str, str], theirs: tuple[str, str], relation: float, *, names: bool
) -> bool:
    """Compare content words, those of the questions included where that is more.

    Each is a sentence with the question that it answers. Sentences of which each has a name that
    the other lacks ("France", "Spain") are about two things.
    """
    if names and _names(mine[0], theirs[0]) and _names(theirs[0], mine[0]):
        return False
    left, right = (
        [_content(said), _content(f"{question}\n{said}")] for said, question in (mine, theirs)
    )
    return any(_overlap(a, b, relation) for a in left for b in right)


def _names(sentence: str, other: str) -> bool:
    """Tell whether a sentence has a name that the other lacks."""
    known = words(other)
    return any(not any(same_word(name.casefold(), k) for k in known) for name in names_in(sentence))


@lru_cache(maxsize=4096)
def _content(text: str) -> tuple[str, ...]:
    text = fold(text)
    for fact in reversed(_figures(text)):  # days of the week stay: they say what it is about
        text = f"{text[: fact.start]} {text[fact.end :]}"
    return tuple(dict.fromkeys(content_words(text)))


def _overlap(left: Sequence[str], right: Sequence[str], relation: float) -> bool:
    left, right = sorted((left, right), key=_weight)
    shared = _weight([word for word in left if any(same_word(word, other) for other in right)])
    if relation >= _NEAR:
        return shared >= 1 and shared >= _SHARED_NEAR * _weight(left)
    return shared >= _SHARED_WORDS and shared >= _SHARED * _weight(left)


def _weight(words: Sequence[str]) -> float:
    return sum(_HAN_WORD if is_cjk(word[0]) else 1.0 for word in words)
