"""Whether a statement can be laid over one sentence of the passage, piece by piece.

A small model puts the words of a sentence together as it likes: "normal forces are associated with
forces that act normal" from "terms associated with forces that act normal". Each word is there, and
what is said is not. So the statement has to follow the sentence: in its order, without leaping from
one clause into another. The question's words behind an answer are no exception: "a Tulku is a vow"
comes from "who continues their vow is called a Tulku". And it has to say itself what it is about:
a bare "1930" is true of anything that has a year.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kb.evidence.reading import Read, beginning, read_text, same_word
from kb.evidence.verdict import Reason
from kb.lexicon import is_cjk

_MOST = 1
"""Cost at which a statement still follows the sentence; the costs below were set by reading what
passes (docs/evidence.md)."""
_NEAR = 2
"""Words of the sentence that may be left out at one place, within a clause."""
_GAP, _LEAP, _LACK, _NEW = 1, 3, 2, 9
"""Cost of leaving words out within a clause, of going on in another clause, of a word that only
the question has, of one that neither has."""
_HAN = 1
"""Cost of a Han character that the sentence has not: a word of Chinese has two."""
_HALF = 0.5
"""Share of the question's words that a statement must say itself."""
_BOUNDARY = re.compile(
    r"[,;:()\u3001，；：。（）—–]|\s-\s|\b(?:which|who|whom|whose|where|that|while|whereas|although"
    r"|because|since|but|die|der|das|welche[rs]?|weil|während|aber|dass|que|quien|donde|pero|porque"
    r"|котор\w+|что|где|но)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\W*(?:(?:it|he|she|they|er|sie|es|él|ella|он|она|оно|они)(?![a-zа-яäöüß])|[他她它]们?(?![们的]))",
    re.IGNORECASE,
)
_BE = re.compile(
    r"\b(?:is|are|was|were|be|been|being|ist|sind|war|waren|wird|werden|wurden?|worden|es|son|era|eran"
    r"|fue|fueron|был[аио]?)\b",
    re.IGNORECASE,
)
_MAY = re.compile(
    r"\b(?:can|could|may|might|would|should|must|kann|können|könnten?|darf|dürfen|sollten?|puede[n]?"
    r"|podrían?|debe[n]?|может|могут|мог(?:ла|ли)?|должн\w+)\b|可能|或许|也许|可以|[也亦]可|可指|可为",
    re.IGNORECASE,
)
_AND = re.compile(r"\b(?:and|or|und|oder|y|e|o|и|или)\b|[和与與及或]", re.IGNORECASE)
_OF = re.compile(r"\bof(?: (?:the|a|an|its|their|his|her))?\s*$", re.IGNORECASE)
_RELATIONS = (
    (re.compile("位于"), re.compile("[位处]|(?<![旨正现存])在|坐落|设[于在立]")),
    (re.compile("包括|包含"), re.compile("[括含有如、]|分[为成]|组成")),
    (re.compile("属于"), re.compile("[属是为]")),
    (re.compile("成为"), re.compile("[成为任是当]")),
)
"""What a Chinese reply may only say if the sentence says it in one of these words; the rest of
them carries no content of its own."""
_THAT = re.compile(r"\b(?:that|dass|que|что)\b", re.IGNORECASE)
_HOLDS = re.compile(r"(?:认为|以为|声称|宣称|据称|指出|表示|相信|主张|规定)\W*\w?$")
"""What a sentence has between somebody and what he says or thinks; the first character of that may
be new."""
_GOES_ON = re.compile(r"\W*[，；,;]\s*[^\x00-\u2e7f他她它其的各每两]*\W*")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    values: frozenset[str]
    """Of a fact; empty for a word."""
    clause: int
    """Number of the clause in its text."""
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
    reply, asked = read_text(statement), _tokens(read_text(question))
    said = _tokens(reply)
    source = _Sentence(read_text(sentence), asked, _tokens(read_text(above)))
    if not said:
        return
    for relation, words in _RELATIONS:
        if relation.search(reply.text) and not words.search(f"{sentence} {above}"):
            yield Reason("swapped", statement)
            return
    if asked and _share(asked, said) < _HALF:
        yield Reason("fragment", statement)
        return
    if source.cost(said) > _MOST:
        yield Reason("swapped", statement)


def adds_nothing(statement: str, question: str) -> bool:
    """Tell whether a statement has no word, number or name that the question has not."""
    asked = _tokens(read_text(question))
    return all(any(_same(a, b) for b in asked) for a in _tokens(read_text(statement)))


class _Sentence:
    """A sentence of the passage, for a question."""

    def __init__(self, read: Read, asked: Sequence[_Token], above: Sequence[_Token]) -> None:
        self._tokens = _tokens(read)
        self._asked = asked
        self._above = above
        self._by_pronoun = _PRONOUN.match(read.text) is not None

    def _asks(self, token: _Token) -> bool:
        """Tell whether the question has a word."""
        return any(_same(token, other) for other in self._asked)

    def cost(self, said: Sequence[_Token]) -> int:
        """Return how far `said` is from following the sentence; 0: word for word."""
        han = sum(map(_is_han, said)) > len(said) / 2
        # best[j]: least cost of what was read so far, with its last found word at place j - 1.
        best = {0: 0}
        for i, token in enumerate(said):
            joined = i > 0 and said[i - 1].clause == token.clause
            between = token.before if i else None
            after: dict[int, int] = {}
            lacking = self._lack(token, first=best == {0: 0}, han=han)
            for place, cost in best.items():
                _lower(after, place, cost + lacking)
                for j in range(place, len(self._tokens)):
                    if _same(token, self._tokens[j]):
                        _lower(after, j + 1, cost + self._step(place, j, between, joined=joined))
            best = after
        return min(best.values())

    def _lack(self, token: _Token, *, first: bool, han: bool) -> int:
        if any(_same(token, other) or _begin_alike(token, other) for other in self._above):
            return 0
        if not self._asks(token):
            return _HAN if han and _is_han(token) else _NEW
        if han:
            return _HAN
        if any(_same(token, other) for other in self._tokens):
            return _LEAP  # it is there, in another place
        return 0 if first and self._by_pronoun else _LACK

    def _step(self, place: int, to: int, between: str | None, *, joined: bool) -> int:
        """Return the cost of going on at `to` behind the first `place` words.

        Args:
            place: number of words read.
            to: place of the next word.
            between: what the statement has before that word.
            joined: the statement has no comma there.
        """
        if to > place == 0 and (self._is_reported(to) or _OF.search(self._tokens[to].before)):
            return _LEAP  # "much of the work of Parliament" is not "Parliament"
        if between is None:
            return 0
        if not place:  # what stands before comes from the question or the heading
            added = _BE.search(between) is not None and _BE.search(self._tokens[to].before) is None
            return _LEAP if to and added else 0
        left_out = "".join(token.before for token in self._tokens[place : to + 1])
        if _MAY.search(left_out) and not _MAY.search(between):
            return _LEAP  # "can be registered" is not "is registered"
        is_, was = _BE.search(between) is not None, _BE.search(left_out) is not None
        if (was and not is_ and not _MAY.search(between)) or (is_ and not was and to > place):
            return _LEAP  # "was kept out" is not "kept out", "caused pain" not "is pain"
        beside = self._tokens[to].before
        if _AND.search(beside) and not _AND.search(between):
            return _LEAP  # "Ratzel and Britain's Mackinder" is not "Ratzel, of Britain"
        if to > place and _OF.search(beside) and not _OF.search(between):
            return _LEAP  # "the ratio of oxygen" is not "oxygen"
        before, clause = self._tokens[place - 1].clause, self._tokens[to].clause
        if to == place:
            return _GAP if joined and clause != before else 0
        if clause == before:
            return _GAP if to - place <= _NEAR else _GAP + 1
        # Chinese goes on about the first clause's subject without naming it again.
        begins = self._tokens[to - 1].clause != clause
        goes_on = _is_han(self._tokens[to]) and _GOES_ON.fullmatch(self._tokens[to].before)
        return _GAP if begins and before == 0 and goes_on else _LEAP

    def _is_reported(self, at: int) -> bool:
        """Tell whether somebody says, thinks or wants what begins at a word."""
        before = self._tokens[at].before
        verb = "".join(token.before + token.text for token in self._tokens[max(at - 3, 0) : at])
        return _THAT.search(before) is not None or _HOLDS.search(verb + before) is not None


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
    clause, before = 0, 0
    for start, end, text, values in sorted([*words, *facts], key=lambda item: item[0]):
        between = read.text[before:start]
        clause += bool(tokens and _BOUNDARY.search(between))
        tokens.append(_Token(text, values, clause, between))
        before = end
    return tokens
