"""Clauses, and the part of a passage that a clause of a reply comes from."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kb.evidence.reading import Read, covered, read_text, vocabulary

_CLAUSE = re.compile(
    r"[,;:()\u3001，；：。!?！？]+|\s-\s|\.(?=\s|$)"
    r"|\b(?:and|und|y|и|but|while|whereas|although|aber|sondern|während|pero|aunque|но|а|хотя)\b|但是?|而(?!且)|并且?|且(?!慢)",
    re.IGNORECASE,
)


def clause_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each clause."""
    start = 0
    for match in _CLAUSE.finditer(text):
        if match[0] == "," and text[match.end() : match.end() + 1].isdigit():
            continue
        if text[start : match.start()].strip():
            yield start, match.start()
        start = match.end()
    if text[start:].strip():
        yield start, len(text)


@dataclass(frozen=True, slots=True)
class Span:
    """A clause, or neighbouring clauses, of one sentence of the passage."""

    read: Read
    sentence: str
    share: float


def best_span(clause: Read, sentences: Sequence[str]) -> Span:
    """Return the shortest span of the passage that covers most of the clause."""
    wanted = [word.text for word in clause.content]
    values = frozenset().union(*(fact.values for fact in clause.facts))
    best = Span(read_text(sentences[0]), sentences[0], -1.0)
    for sentence in sentences:
        for text in _clause_runs(sentence):
            read = read_text(text)
            share = _overlap(clause, wanted, values, read)
            better = share > best.share + 1e-9
            as_good = share > best.share - 1e-9 and len(text) < len(best.read.text)
            if better or as_good:
                best = Span(read, sentence, share)
    return best


@lru_cache(maxsize=512)
def _clause_runs(sentence: str) -> tuple[str, ...]:
    spans = list(clause_spans(sentence))
    if len(spans) > 8:  # a long list: its parts alone, and the whole
        return (*(sentence[a:b] for a, b in spans), sentence)
    runs = itertools.combinations_with_replacement(range(len(spans)), 2)
    return tuple(sentence[spans[i][0] : spans[j][1]] for i, j in runs) or (sentence,)


def _overlap(clause: Read, wanted: Sequence[str], values: frozenset[str], read: Read) -> float:
    known = vocabulary(read)
    words = clause.words
    hits = sum(covered(i, words, known) for i, word in enumerate(words) if not word.stop)
    there = frozenset().union(*(fact.values for fact in read.facts))
    total = len(wanted) + len(values)
    return (hits + len(values & there)) / total if total else 0.0
