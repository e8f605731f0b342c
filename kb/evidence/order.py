"""Whether a statement is a sentence of the passage from which whole parts were left out.

A small model puts the words of a sentence together as it likes: "normal forces are associated with
forces that act normal" from "terms associated with forces that act normal". Each word is there, and
what is said is not. What it leaves out changes no less: "delivery is free" for "standard delivery
is free for orders over 50 euros". So a statement has to run through the sentence word by word, and
may begin and end only where a part of it does. And it has to say itself what it is about: a bare
"1930" is true of anything that has a year.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kb.evidence.joints import (
    before_more,
    begins_part,
    behind_mark,
    says_more,
    small_words,
    without_linking,
    without_pronoun,
)
from kb.evidence.reading import Read, beginning, read_text, same_word
from kb.evidence.verdict import Reason
from kb.lexicon import is_cjk

_MOST = 1
"""Cost at which a statement still follows the sentence."""
_SMALL, _LEAP = 1, 9
"""Cost of a comma left out, or of a Han character that the sentence has not (a word of Chinese has
two), and of what can change what is said."""
_HALF = 0.5
"""Share of the question's words that a statement must say itself."""
_TELLS = re.compile(r"[^的]*(?:[,;:(、]|[是为位在由有乃])")
"""What stands between a Chinese subject and what a part of a sentence tells of it."""
_GOES_ON = re.compile(r"\W*[，；,;]\s*[^\x00-\u2e7f他她它其的各每两]*\W*")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    values: frozenset[str]
    """Of a fact; empty for a word."""
    before: str
    """What stands between it and the word before."""


def rearranged(
    statement: str, sentence: str, question: str, *, above: str = ""
) -> Iterator[Reason]:
    """Find a statement that does not follow `sentence`, the one that it was made from, or that
    says too little of the question to be understood without it.

    Args:
        statement: a sentence of a reply.
        sentence: of the passage.
        question: half of its words have to be in the statement.
        above: heading of the sentence, whose words count as the sentence's.
    """
    reply, asked = read_text(statement), read_text(question)
    said, wanted = _tokens(reply), _tokens(asked)
    if not said:
        return
    if wanted and _share(wanted, said) < _HALF:
        yield Reason("fragment", statement)
        return
    source = _Sentence(read_text(without_linking(sentence)), asked, _tokens(read_text(above)))
    if source.cost(said, ending=_behind(reply)) > _MOST:
        yield Reason("swapped", statement)


def adds_nothing(statement: str, question: str) -> bool:
    """Tell whether a statement has no word, number or name that the question has not."""
    asked = _tokens(read_text(question))
    return all(any(_same(a, b) for b in asked) for a in _tokens(read_text(statement)))


class _Sentence:
    """A sentence of the passage, for a question."""

    def __init__(self, read: Read, asked: Read, above: Sequence[_Token]) -> None:
        self._tokens = _tokens(read)
        self._ending = _behind(read)
        self._asked = _tokens(asked)
        self._asked_small = small_words(asked.text) | {"you"}
        self._above = above

    def cost(self, said: Sequence[_Token], *, ending: str) -> int:
        """Return how far `said` is from following the sentence; 0: word for word.

        `ending` is what the statement has behind its last word.
        """
        han = sum(map(_is_han, said)) > len(said) / 2
        # best[j]: least cost of what was read so far, with its last found word at place j - 1.
        best = {0: 0}
        for i, token in enumerate(said):
            after: dict[int, int] = {}
            for place, cost in best.items():
                _lower(after, place, cost + self._lack(token, begun=place > 0, han=han))
                for j in range(place, len(self._tokens)):
                    if _same(token, self._tokens[j]):
                        step = self._step(place, j, token) if place else self._enter(j, token, i)
                        _lower(after, j + 1, cost + step)
            best = after
        return min(cost + self._leave(place, ending) for place, cost in best.items())

    def _asks(self, token: _Token) -> bool:
        """Tell whether the question has a word."""
        return any(_same(token, other) for other in self._asked)

    def _lack(self, token: _Token, *, begun: bool, han: bool) -> int:
        """Return the cost of a word that the sentence does not have here.

        What a statement is about may come from the heading. From the question it may not: whom "it"
        means in the passage is not known.
        """
        if not begun and any(_same(token, o) or _begin_alike(token, o) for o in self._above):
            return 0
        return _SMALL if han and _is_han(token) else _LEAP

    def _enter(self, at: int, token: _Token, lent: int) -> int:
        """Return the cost of beginning at a place of the sentence.

        Args:
            at: the place.
            token: the word of the statement that stands there.
            lent: words that the statement has before it, from the heading.
        """
        there, said = self._tokens[at].before, small_words(token.before)
        about_it = without_pronoun(there) if lent else None
        if about_it is not None:
            return 0 if said == small_words(about_it) else _LEAP
        left_out = self._tokens[:at]
        if (lent and left_out) or not all(map(self._asks, left_out)):
            return _LEAP  # "for members, delivery is free" is not "delivery is free"
        wanted = small_words(behind_mark(there))
        return 0 if wanted <= said <= wanted | self._asked_small else _LEAP

    def _step(self, place: int, to: int, token: _Token) -> int:
        """Return the cost of going on at `to` behind the first `place` words."""
        there = self._tokens[to].before
        if to == place:  # "can be kept" is not "is kept", "ratio of oxygen" not "ratio to oxygen"
            if small_words(token.before) != small_words(there):
                return _LEAP
            return _SMALL if begins_part(there) and not begins_part(token.before) else 0
        # Chinese goes on about the first part's subject without naming it again.
        in_first = not any(begins_part(other.before) for other in self._tokens[1:place])
        subject = in_first and _TELLS.match(self._tokens[place].before)
        goes_on = subject and _is_han(self._tokens[to]) and _GOES_ON.fullmatch(there)
        same = small_words(behind_mark(token.before)) == small_words(behind_mark(there))
        return _SMALL if goes_on and same else _LEAP

    def _leave(self, place: int, ending: str) -> int:
        """Return the cost of ending behind the first `place` words."""
        left_out = self._tokens[place:]
        rest = "".join(token.before + token.text for token in left_out) + self._ending
        after = left_out[0].before if left_out else rest
        if left_out and not says_more(after, rest):
            return _LEAP
        return 0 if small_words(before_more(after)) == small_words(before_more(ending)) else _LEAP


def _share(wanted: Sequence[_Token], there: Sequence[_Token]) -> float:
    """Return which share of words stands in a text; a Han character beside the same neighbour."""
    pairs = {(a.text, b.text) for a, b in itertools.pairwise(there)}
    found = 0
    for i, token in enumerate(wanted):
        if not _is_han(token):
            found += any(_same(token, other) for other in there)
            continue
        around = itertools.pairwise(wanted[max(i - 1, 0) : i + 2])
        found += any((a.text, b.text) in pairs for a, b in around if _is_han(a) and _is_han(b))
    return found / max(1, len(wanted))


def _is_han(token: _Token) -> bool:
    return bool(token.text) and is_cjk(token.text[0])


def _lower(costs: dict[int, int], place: int, cost: int) -> None:
    if cost < costs.get(place, 1_000):
        costs[place] = cost


def _same(left: _Token, right: _Token) -> bool:
    if left.values or right.values:
        return bool(left.values & right.values)
    return same_word(left.text, right.text)


def _begin_alike(left: _Token, right: _Token) -> bool:
    return bool(left.text and right.text) and beginning(left.text) == beginning(right.text)


def _tokens(read: Read) -> list[_Token]:
    """Return the words that carry meaning and the facts of a text, in order."""
    words = [(w.start, w.end, w.text, frozenset[str]()) for w in read.words if not w.stop]
    facts = [(f.start, f.end, "", f.values) for f in read.facts if f.certain and f.values]
    tokens: list[_Token] = []
    before = 0
    for start, end, text, values in sorted([*words, *facts], key=lambda item: item[0]):
        between = read.text[before:start]
        tokens.append(_Token(text, values, between))
        before = end
    return tokens


def _behind(read: Read) -> str:
    """Return what a text has behind the last word that carries meaning."""
    ends = [w.end for w in read.words if not w.stop]
    ends += [f.end for f in read.facts if f.certain and f.values]
    return read.text[max(ends, default=0) :]
