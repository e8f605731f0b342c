"""Put the rows that several searches found together, by entry or passage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.types import Chunk
from kb.index.chunk import embedding_text
from kb.index.table import RowHit
from kb.text.layout import heading_of, units_of

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
        heading = chunk.text if entry else heading_of(chunk.title)
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
    found: dict[tuple[str, str, str], tuple[list[RowHit], list[RowHit], list[RowHit]]] = {}
    for search, rows in enumerate((own, stated, text)):
        for row in rows:
            chunk = row.chunk  # of a passage with its heading, which may name the product
            said = chunk.kind, chunk.text, chunk.answer or heading_of(chunk.title)
            found.setdefault(said, ([], [], []))[search].append(row)
    lowest_asked = min((row.score for row in own), default=0.0)
    lowest_stated = min((row.score for row in stated), default=0.0)
    candidates = [_candidate(*rows, lowest_asked, lowest_stated) for rows in found.values()]
    candidates.sort(key=lambda c: (-(c.stated + 0.25 * c.asked), c.chunk.chunk_id))
    return candidates[:MOST]


def _candidate(
    own: Sequence[RowHit],
    stated: Sequence[RowHit],
    text: Sequence[RowHit],
    lowest_asked: float,
    lowest_stated: float,
) -> Candidate:
    """Return what three searches found with one content; each has the nearest first."""
    chunk = next(row.chunk for row in (*own, *stated, *text))
    nearness = stated[0].score if stated else lowest_stated
    if chunk.kind == "passage":
        return Candidate(chunk, nearness, nearness, embedding_text(chunk), ())
    asked = own[0].score if own else lowest_asked
    said = [*stated, *(row for row in text if row.role == "answer")]
    statement = said[0].text if said else f"{chunk.text}\n{chunk.answer}"[:_STATED_CHARS]
    questions = tuple(dict.fromkeys(row.text for row in own)) or (chunk.text,)
    return Candidate(chunk, nearness, asked, statement, questions)
