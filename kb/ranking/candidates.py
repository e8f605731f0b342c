"""Put the rows that several searches found together, by entry or passage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.types import Chunk
from kb.index.chunk import embedding_text
from kb.index.table import RowHit
from kb.text.layout import units_of

MOST = 40
"""Candidates that are judged: the nearest ones."""
_STATED_CHARS = 480
_MOST_SENTENCES = 16
"""Sentences of a candidate that are read one by one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry or passage that may answer a question."""

    chunk: Chunk
    stated: float
    """Cosine similarity of the passage, or of the nearest part of the entry's answer with its
    question before it; of one that only other searches found, that of the last row found."""
    asked: float
    """Cosine similarity of the entry's nearest question; of a passage, as `stated`."""
    statement: str
    """The text of `stated`: what the reader reads."""
    questions: tuple[str, ...]
    """Questions of the entry that were found, or its first one; none for a passage."""

    @property
    def score(self) -> float:
        """Cosine similarity of its nearest text."""
        return max(self.stated, self.asked)

    def sentences(self) -> list[str]:
        """Return its sentences, list items and rows, each under its heading or question."""
        chunk = self.chunk
        entry = chunk.kind == "faq"
        heading = chunk.text if entry else chunk.heading
        units = units_of(chunk.answer if entry else chunk.text, chunk.language)
        said = [unit.text for unit in units if unit.kind != "heading" and not unit.asks]
        return [f"{heading}\n{text}" for text in said[:_MOST_SENTENCES]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader says of a candidate."""

    whole: float
    """Log-odds that the text answers."""
    sentences: tuple[tuple[str, float], ...]
    """Each of `Candidate.sentences` with its log-odds."""

    def features(self) -> tuple[float, float]:
        """Return the log-odds of the whole, and of one sentence or another."""
        odds = [odds for _, odds in self.sentences] or [self.whole]
        return self.whole, float(np.logaddexp.reduce(odds))


@dataclass(slots=True)
class _Found:
    chunk: Chunk
    stated: float | None = None
    asked: float | None = None
    statement: str = ""
    questions: list[str] = field(default_factory=list)


def gather(
    own: Sequence[RowHit], stated: Sequence[RowHit], text: Iterable[RowHit]
) -> list[Candidate]:
    """Return the candidates, the nearest first, at most `MOST`.

    What stands in several files with the same words is one candidate.

    Args:
        own: rows found by vector among questions and passages, nearest first.
        stated: rows found by vector among answers and passages, nearest first.
        text: rows found by full-text search.
    """
    found: dict[tuple[str, str, str], _Found] = {}
    for row in own:
        one = found.setdefault(_content(row.chunk), _Found(row.chunk))
        if row.chunk.kind == "faq":
            one.asked = row.score if one.asked is None else one.asked
            if row.text not in one.questions:
                one.questions.append(row.text)
    for row in stated:
        one = found.setdefault(_content(row.chunk), _Found(row.chunk))
        if one.stated is None:
            one.stated, one.statement = row.score, row.text
    for row in text:
        one = found.setdefault(_content(row.chunk), _Found(row.chunk))
        if row.role == "answer" and not one.statement:
            one.statement = row.text
    lowest_asked = min((row.score for row in own), default=0.0)
    lowest_stated = min((row.score for row in stated), default=0.0)
    candidates = [_candidate(one, lowest_asked, lowest_stated) for one in found.values()]
    candidates.sort(key=lambda c: (-(c.stated + 0.25 * c.asked), c.chunk.chunk_id))
    return candidates[:MOST]


def _content(chunk: Chunk) -> tuple[str, str, str]:
    return chunk.kind, chunk.text, chunk.answer


def _candidate(one: _Found, lowest_asked: float, lowest_stated: float) -> Candidate:
    chunk = one.chunk
    stated = lowest_stated if one.stated is None else one.stated
    if chunk.kind == "passage":
        return Candidate(chunk, stated, stated, embedding_text(chunk), ())
    asked = lowest_asked if one.asked is None else one.asked
    statement = one.statement or f"{chunk.text}\n{chunk.answer}"[:_STATED_CHARS]
    return Candidate(chunk, stated, asked, statement, tuple(one.questions) or (chunk.text,))
