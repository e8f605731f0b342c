"""Conflicts and near duplicates: of new texts before they go live, and of a whole release."""

import asyncio
import heapq
import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from core.errors import ModelError
from core.protocols import Embedder, Reader
from core.types import Chunk, Finding, FindingKind, Matrix, Vector
from kb.index.rows import Row
from kb.index.table import ROLES, RowSet
from kb.index.view import View
from kb.ingest.diff import Comparison
from kb.ingest.prepare import Preparer
from kb.ranking.features import Floats
from kb.review.conflicts import Statement, about_two_things, differing_figure, opposite
from kb.text.lexicon import read_lists
from kb.text.own_words import each_its_own
from kb.text.segmentation import natural, ngram_cosine, normalise

logger = logging.getLogger(__name__)

_BUDGET_CHARS = 100_000
"""Text that a preview embeds to compare it: about 7 s with the default embedder on two cores.
Publishing finds these vectors in the spool, so nothing is computed twice."""
_REFERENCE = Path(__file__).parent / "data" / "reference.yaml"
"""Unrelated statements by language."""
_NEIGHBOURS = 6
_STATEMENTS = 12
"""Neighbours of a statement that are compared: more, since each says several things."""
_READS_SAME = 1.0
"""Log-odds of the reader from which a sentence answers the question of an entry that has another
figure: 15 of 50 planted contradictions in four invented companies reach it, of all others 5."""
_MOST_READ = 5_000
"""Sentences of a whole release that are read, of the nearest pairs."""
_MOST_UNREAD = 20
"""Sentences that the reader may skip; after more it counts as down."""
_MOST_FOUND = 5_000
"""Findings of a whole release that are kept, the nearest."""
_BLOCK = 500
"""Rows of a release that are compared with all others at a time."""

NEAR = 0.72
"""Two questions are nearly the same from here on: the mean of how far their cosine lies between
unrelated texts (0) and equality (1), and the cosine of their character n-grams. Measured with
multilingual-e5-small on the demo's 47 entries: no two questions of different entries reach it (of
15,000 pairs with all variants the highest has .719), and of 192 questions with a typing mistake, a
word more or less, or in another order 98 % do."""
_LIKE = 0.45
_SAME_ANSWER = 0.65
"""With answers this alike (n-gram cosine; the demo's different answers reach .56), questions need
only be `_LIKE`."""
_SAME = 0.75
"""Questions in other words are the same from here on (similarity of their vectors) if they name
the same things. Of the demo's entries no two reach .71; paraphrases had .77 to .91."""
_RELATED = 0.3
"""Similarity of vectors (0: unrelated) below which texts are about different things."""

_ORDER: Mapping[FindingKind, int] = {"conflict": 0, "figure": 1, "near": 2}
Found: TypeAlias = tuple[float, Finding]
"""A finding, and how near the two vectors are (`_Pair.relation`)."""
_ToRead: TypeAlias = tuple[float, str, Finding]
"""How near two texts are, the question of the one, and what would be found."""
OnCompared: TypeAlias = Callable[[int, int], None]
"""Called with how many texts were compared, and of how many."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in new texts."""

    findings: tuple[Finding, ...]
    uncompared: int
    """Texts without a vector, compared word for word only."""
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    """Vectors of the other texts, by vector key."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A new row and one that it may contradict or repeat."""

    row: Row
    other: Row
    relation: float
    """Of their vectors: 0 as near as unrelated texts, 1 equal."""

    @property
    def chunks(self) -> frozenset[str]:
        """The ids of the two chunks."""
        return frozenset((self.row.chunk_id, self.other.chunk_id))


class Inspector:
    """Compares new texts with everything that will be live with them."""

    def __init__(self, embedder: Embedder, reader: Reader | None = None) -> None:
        """The `reader` finds in a whole release what answers the same in other words."""
        self._embedder = embedder
        self._reader = reader
        self._unrelated: list[Matrix] = []

    async def inspect(self, view: View, preparer: Preparer, comparison: Comparison) -> Inspection:
        """Compare the rows that `comparison` adds with those that stay, and with each other.

        One pass over the index, whatever the number of rows. Texts beyond the budget, passages
        first, are only looked up word for word.
        """
        fresh = [row for row in comparison.fresh if row.role not in ("negative", "answer")]
        if not fresh:
            return Inspection((), 0)
        asked = {row.vector_key for row in fresh if row.role != "passage"}
        there = await view.rows_of("vector_key", asked)
        equal = [r for r in there if r.role in ROLES["own"] and r.row_id not in comparison.gone]
        compared = self._within_budget(fresh)
        if not compared:
            return Inspection(_judge(_literal(fresh, equal)), len(fresh))
        known = await view.vectors({row.vector_key for row in compared})
        new = await preparer.spooled([row for row in compared if row.vector_key not in known])
        vectors = known | new
        matrix = np.stack([vectors[row.vector_key] for row in compared])
        replaced = comparison.gone | {row.row_id for row in fresh}
        neighbours = await view.nearest(matrix, _NEIGHBOURS, without=replaced)
        level = await self._level(matrix)
        pairs = await asyncio.to_thread(
            lambda: [*_literal(fresh, equal), *_near(compared, matrix, neighbours, level)]
        )
        found = await asyncio.to_thread(_judge, pairs)
        return Inspection(found, len(fresh) - len(compared), vectors)

    async def audit(self, view: View, on_compared: OnCompared) -> list[Found]:
        """Compare every text of a release with the questions and passages nearest to it, and what
        is stated with what is stated, in documents too.

        `gravest` chooses among what this returns. 20,000 entries take minutes; cancelling it
        changes nothing.
        """
        passes: tuple[tuple[RowSet, RowSet, int], ...] = (
            ("own", "head", _NEIGHBOURS + 1),
            ("stated", "stated", _STATEMENTS + 1),
        )
        total = sum([await view.count(which) for which, *_ in passes])
        to_read: list[_ToRead] = []
        found: list[Found] = []
        done = 0
        for which, others, most in passes:
            compared = set[frozenset[str]]()
            async for rows, matrix in view.blocks(_BLOCK, which=which):
                neighbours = await view.nearest(matrix, most, rows=others)
                level = await self._level(matrix)
                pairs = [
                    pair
                    for pair in _with_stored(rows, neighbours, level)
                    if pair.chunks not in compared or pair.relation >= _SAME
                ]
                compared |= {pair.chunks for pair in pairs}
                judge = _findings if which == "own" else _stated_otherwise
                found += await asyncio.to_thread(judge, pairs)
                if self._reader and which == "own":
                    stated = await view.nearest(matrix, _STATEMENTS + 1, rows="stated")
                    more = await asyncio.to_thread(_to_read, _with_stored(rows, stated, level))
                    to_read = heapq.nlargest(_MOST_READ, [*to_read, *more], key=lambda one: one[0])
                done += len(rows)
                on_compared(done, total + len(to_read))
            found = sorted(found, key=lambda one: -one[0])[:_MOST_FOUND]
        if self._reader is None:
            return found
        unread = 0
        for number, (relation, question, finding) in enumerate(to_read, start=1):
            try:
                odds = await self._reader.read(question, [finding.other_text])
            except ModelError as error:  # busy with customers, or down
                unread += 1
                if unread > _MOST_UNREAD:
                    logger.warning("Contradictions are looked for without the reader: %s", error)
                    break
            else:
                found += [(relation, finding)] if odds[0] >= _READS_SAME else []
            on_compared(total + number, total + len(to_read))
        return found

    def _within_budget(self, rows: Sequence[Row]) -> list[Row]:
        order = {"question": 0, "variant": 1, "passage": 2}
        ordered = sorted(rows, key=lambda row: order[row.role])
        ends = itertools.accumulate(len(row.text) for row in ordered)
        return [r for r, end in zip(ordered, ends, strict=True) if end <= _BUDGET_CHARS]

    async def _level(self, matrix: Matrix) -> Floats:
        """Return for each vector its mean cosine with unrelated statements of its language.

        Those are the nearest: statements of another language are further away.
        """
        if not self._unrelated:
            texts = await asyncio.to_thread(read_lists, _REFERENCE)
            self._unrelated = [await self._embedder.embed_queries(t) for t in texts.values()]
        means = [(matrix @ statements.T).mean(axis=1) for statements in self._unrelated]
        level: Floats = np.max(np.stack(means), axis=0)
        return level


# --- pairs ---------------------------------------------------------------------------------------


def _literal(fresh: Sequence[Row], equal: Sequence[Row]) -> Iterator[_Pair]:
    """Yield pairs of rows that ask the same question word for word."""
    same: dict[str, list[Row]] = defaultdict(list)
    for row in equal:
        same[normalise(row.text)].append(row)
    for row in fresh:
        if row.role == "passage":
            continue
        others = same[normalise(row.text)]
        for other in others:
            yield _Pair(row, other, 1.0)
        others.append(row)


def _near(
    rows: Sequence[Row],
    matrix: Matrix,
    neighbours: Sequence[Sequence[tuple[Row, float]]],
    level: Floats,
) -> Iterator[_Pair]:
    """Yield pairs whose vectors are nearer than those of unrelated texts, with stored rows first
    and then among the new ones."""
    yield from _with_stored(rows, neighbours, level)
    for place, row in enumerate(rows[:-1]):
        scores = matrix[place + 1 :] @ matrix[place]
        for offset in np.argsort(-scores)[:_NEIGHBOURS]:
            other = rows[place + 1 + int(offset)]
            yield _Pair(row, other, _relation(float(scores[offset]), float(level[place])))


def _with_stored(
    rows: Sequence[Row], neighbours: Sequence[Sequence[tuple[Row, float]]], level: Floats
) -> Iterator[_Pair]:
    for row, found, unrelated in zip(rows, neighbours, level, strict=True):
        for other, score in found:
            yield _Pair(row, other, _relation(score, float(unrelated)))


def _relation(cosine: float, unrelated: float) -> float:
    return (cosine - unrelated) / max(1.0 - unrelated, 1e-6)


def _judge(pairs: Iterable[_Pair]) -> tuple[Finding, ...]:
    # An exact duplicate is counted elsewhere.
    return gravest(_findings(p for p in pairs if p.row.content_key != p.other.content_key))


def _findings(pairs: Iterable[_Pair]) -> list[Found]:
    return [
        (pair.relation, finding)
        for pair in pairs
        if pair.row.chunk_id != pair.other.chunk_id
        and pair.relation >= _RELATED
        and both_valid(pair.row, pair.other)
        and (finding := _finding(pair))
    ]


def _stated_otherwise(pairs: Iterable[_Pair]) -> list[Found]:
    """Return the figures in which sentences about the same thing differ."""
    found = []
    for pair in pairs:
        row, other = pair.row, pair.other
        within = row.doc_id == other.doc_id and row.kind == other.kind == "passage"
        if row.chunk_id == other.chunk_id or within or not both_valid(row, other):
            continue
        mine, theirs = _statement(row), _statement(other)
        questions = row.kind == other.kind == "faq"
        if questions and each_its_own(row.chunk_text, other.chunk_text):
            continue
        difference = differing_figure(mine, theirs, alike=False, relation=pair.relation)
        if difference is not None:
            figure = _make("figure", row, other, difference.mine, difference.theirs)
            text, other_text = difference.sentence, difference.other_sentence
            found.append((pair.relation, replace(figure, text=text, other_text=other_text)))
    return found


def _to_read(pairs: Iterable[_Pair]) -> list[_ToRead]:
    """Return the figures that a near text has otherwise than an entry, whatever its words; the
    reader tells whether it answers the entry's question."""
    found = []
    for pair in pairs:
        row, other = pair.row, pair.other
        if row.role != "question" or row.chunk_id == other.chunk_id or not both_valid(row, other):
            continue
        if other.kind == "faq" and each_its_own(row.chunk_text, other.chunk_text):
            continue
        difference = differing_figure(_statement(other), _statement(row), alike=True)
        if difference is not None:
            figure = _make("figure", row, other, difference.theirs, difference.mine)
            mine, theirs = difference.other_sentence, difference.sentence
            figure = replace(figure, text=mine, other_text=theirs)
            found.append((pair.relation, row.text, figure))
    return found


def gravest(findings: Iterable[Found]) -> tuple[Finding, ...]:
    """Return at most one finding for two chunks, the gravest.

    Apart from conflicts a chunk gets one of each kind, with the nearest chunk: many entries after
    one pattern would otherwise bring as many findings as pairs.
    """
    found: dict[frozenset[str], Finding] = {}
    said: set[tuple[str, FindingKind]] = set()
    for _, finding in sorted(findings, key=lambda one: -one[0]):
        chunks = frozenset((finding.chunk_id, finding.other_chunk_id))
        if chunks in found and _ORDER[finding.kind] >= _ORDER[found[chunks].kind]:
            continue
        if finding.kind != "conflict" and (finding.chunk_id, finding.kind) in said:
            continue
        said.add((finding.chunk_id, finding.kind))
        found[chunks] = finding
    return tuple(
        sorted(found.values(), key=lambda f: (_ORDER[f.kind], f.doc_id, natural(f.location)))
    )


def _finding(pair: _Pair) -> Finding | None:
    row, other = pair.row, pair.other
    entries = row.kind == "faq" and other.kind == "faq"
    if not entries and row.kind == other.kind:
        return None  # two passages: neither is approved
    alike = apart = same = False
    mine, theirs = _statement(row), _statement(other)
    if entries:
        same_answer = normalise(row.answer) == normalise(other.answer)
        if normalise(row.text) == normalise(other.text):
            kind: FindingKind = "near" if same_answer else "conflict"
            return _make(kind, row, other, row.answer, other.answer)
        score = (pair.relation + ngram_cosine(row.text, other.text)) / 2
        unlike = score < _LIKE and pair.relation < _SAME
        if unlike and differing_figure(mine, theirs, alike=False) is None:
            return None  # reported before the slower part
        apart = each_its_own(row.text, other.text)
        two = about_two_things(row.text, other.text)
        if apart and two:
            return None  # entries after one pattern: each has its figure, or its name
        alike = not apart and (
            score >= NEAR
            or (score >= _LIKE and ngram_cosine(row.answer, other.answer) >= _SAME_ANSWER)
        )
        same = alike or (pair.relation >= _SAME and not two)
    if apart:  # only sentences that say by themselves what they are about
        mine, theirs = replace(mine, question=""), replace(theirs, question="")
    difference = differing_figure(mine, theirs, alike=alike)
    if difference is not None:
        figure = _make("figure", row, other, difference.mine, difference.theirs)
        return replace(figure, text=difference.sentence, other_text=difference.other_sentence)
    if same and opposite(row.answer, other.answer):
        return _make("conflict", row, other, row.answer, other.answer)
    if alike or (
        same
        and ngram_cosine(row.answer, other.answer) >= _SAME_ANSWER
        and differing_figure(mine, theirs, alike=True) is None
    ):
        return _make("near", row, other, row.answer, other.answer)
    return None


def _make(kind: FindingKind, row: Row, other: Row, mine: str, theirs: str) -> Finding:
    return Finding(
        kind=kind,
        doc_id=row.doc_id,
        location=row.location,
        text=row.text,
        mine=mine,
        other_doc_id=other.doc_id,
        other_location=other.location,
        other_text=other.text,
        theirs=theirs,
        chunk_id=row.chunk_id,
        other_chunk_id=other.chunk_id,
    )


def _statement(row: Row) -> Statement:
    if row.kind == "faq":
        return Statement(row.answer, row.chunk_text, row.language)
    return Statement(row.chunk_text, "", row.language)


def both_valid(row: Row | Chunk, other: Row | Chunk) -> bool:
    """Tell whether there is a day on which both are valid."""
    starts = max(row.valid_from, other.valid_from)
    ends = [day for day in (row.valid_until, other.valid_until) if day]
    return not ends or starts <= min(ends)
