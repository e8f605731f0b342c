"""Build the reply to a question from the passages that were found: their words, chosen and joined.

Nothing is written anew. A reply is made of sentences, lists, steps and table rows of the sources;
joints are headings of the sources and the marks between the cells of a row.
"""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from core.errors import ModelError
from core.protocols import Embedder, Reader
from core.types import Chunk, Hit, Matrix, Vector
from kb.answering.choose import ENOUGH, MOST, assemble, choose, shortened
from kb.answering.intent import split_questions
from kb.answering.pieces import Piece, compared_with, label_of, under, with_rows
from kb.answering.plain import plain
from kb.answering.scores import asks_fact, asks_figure, asks_how, score_sentences
from kb.answering.steps import whole_steps
from kb.answering.sums import asks_price
from kb.answering.tables import (
    Row,
    cells_of,
    choose_rows,
    columns_of,
    conditions,
    has_amount,
    read_rows,
    row_name,
    row_values,
    say_rows,
)
from kb.text.language import detect_language
from kb.text.layout import (
    Unit,
    heading_of,
    length,
    run_around,
    steps_of,
    units_of,
)

_PROCEDURE = 4.0
"""How much likelier a step answers a question of how something is done."""
_READER = 0.75
"""How much the reader's log-odds of a sentence count beside its words and nearness."""
_ENOUGH_READ = 0.95
"""What `choose` takes as enough where the reader has read the sentences, which says more of them.
Replies to 360 questions of held-out companies have all that is needed in .89 instead of .84, with
51 words instead of 46."""
_COMPLETE = 0.93
"""Share of replies to held-out companies' questions that have every sentence that is needed, where
the sentences given are those that answer by all odds; see docs/replies.md."""
_REMEMBERED = 500
"""Passages whose vectors are kept, about 10 kB each."""
_SILENT = -4.4
"""Log-odds up to which the likeliest sentence says nothing of a question without its context. Of
31 second questions whose answer stood beside that of the first two fall below, of 29 others 20."""


ChunksOf: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Chunk]]]
"""Returns the chunks of documents, by their ids."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a customer reads, and the words of the sources that it was built from."""

    text: str
    cited: tuple[tuple[Hit, str], ...]
    """Each passage with its words in the reply, exactly as they stand in it."""
    built: bool
    """Whether more than sentences of one passage was joined: a heading, rows, several passages."""
    complete: float = 1.0
    """Probability that all that answers is in it, if the passage does answer."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as `Replier.reply` takes it."""

    text: str
    vector: Vector | None
    latest: str

    @property
    def wordings(self) -> tuple[str, ...]:
        """The question; of one that follows another also alone: what it adds counts twice."""
        return (self.text, self.latest) if self.latest not in ("", self.text) else (self.text,)


class Replier:
    """Builds replies; remembers the vectors of the sentences of passages it has read."""

    def __init__(
        self,
        embedder: Embedder | None = None,
        chunks_of: ChunksOf | None = None,
        reader: Reader | None = None,
    ) -> None:
        """Take what helps.

        Args:
            embedder: tells how near sentences are to a question; ``None`` compares words alone.
            chunks_of: gives the rest of a procedure or table that was cut; ``None``: none.
            reader: says of each sentence how likely it answers; ``None``: words and nearness do.
        """
        self._embedder = embedder
        self._chunks_of = chunks_of
        self._reader = reader
        self._vectors: OrderedDict[str, Matrix] = OrderedDict()

    async def reply(
        self,
        question: str,
        vector: Vector | None,
        hit: Hit,
        *,
        latest: str = "",
        others: Sequence[Hit] = (),
        most: float = MOST,
    ) -> Reply:
        """Return the reply to a question from a passage, and from those that it is compared with.

        Args:
            question: as the customer asked it.
            vector: its embedding with the query prompt; ``None`` compares words alone.
            hit: the passage that answers.
            latest: what the customer wrote last, if `question` has what it follows too.
            others: what else was found.
            most: words of the reply.
        """
        asked = _Asked(question, vector, latest)
        compared = [hit, *compared_with(latest or question, hit, others)]
        texts: list[str] = []
        cited: list[tuple[Hit, str]] = []
        built = len(compared) > 1
        complete = 1.0
        for one in compared:
            piece = await self._piece(asked, one.chunk, others, most / len(compared))
            label = (
                heading_of(one.chunk.title) if len(compared) > 1 else label_of(one, piece, others)
            )
            texts.append(under(label, piece.text, one.chunk.language))
            cited.append((one, piece.words))
            built = built or bool(label or piece.row)
            complete = min(complete, piece.complete)
        return Reply("\n\n".join(texts), tuple(cited), built, complete)

    async def tells(self, question: str, chunk: Chunk, *, unread: bool = True) -> bool:
        """Tell whether a sentence of a chunk may answer a question; without a reader `unread`."""
        units = units_of(chunk.answer or chunk.text, chunk.language)
        odds = await self._odds(question, chunk, [unit.text for unit in units], least=1)
        return unread if odds is None else bool(odds.max() > _SILENT)

    async def _piece(
        self, asked: _Asked, chunk: Chunk, others: Sequence[Hit], most: float
    ) -> Piece:
        text = chunk.answer or chunk.text
        units = units_of(text, chunk.language)
        if not units:
            return Piece(text, text)
        if asks_fact(asked.latest or asked.text):  # which one of the steps says
            runs = [run for run in steps_of(units) if units[run[0]].number == 1]
            steps = {i for run in runs for i in run}
            units = [replace(u, number=0) if i in steps else u for i, u in enumerate(units)]
        near = await self._near(asked.vector, chunk, units)
        follows = len(asked.wordings) > 1
        parts = asked.wordings if follows else split_questions(asked.text)
        of_words = [_scores(part, chunk, units, near) for part in parts]
        read = [
            await self._read(part, chunk, units, scores)
            for part, scores in zip(parts, of_words, strict=True)
        ]
        of_parts = [odds or words for odds, words in zip(read, of_words, strict=True)]
        if follows:  # what it adds counts twice
            of_parts = [[sum(of_unit) / len(parts) for of_unit in zip(*of_parts, strict=True)]]
            parts = (asked.text,)
        rows = [_row_meant(units, scores) for scores in of_parts]

        def about(*, tabled: bool) -> _Asked:
            asking = (p for p, row in zip(parts, rows, strict=True) if (row is not None) == tabled)
            return replace(asked, text=" ".join(asking), latest=asked.latest if follows else "")

        table = None
        row = next((row for row in rows if row is not None), None)
        if row is not None:
            table = await self._rows(about(tabled=True), chunk, units, row, others)
            most -= length(table.text)
        told = [scores for scores, row in zip(of_parts, rows, strict=True) if row is None]
        if table and not told:
            return table
        asking = about(tabled=False)
        words = await self._sentences(asking, chunk, units, told, all(read), others, most)
        return with_rows(words, table) if table else words

    async def _sentences(
        self,
        asked: _Asked,
        chunk: Chunk,
        units: list[Unit],
        of_parts: Sequence[Sequence[float]],
        read: bool,
        others: Sequence[Hit],
        most: float,
    ) -> Piece:
        """Return the sentences and steps that answer, and the rows that they lead to.

        Args:
            asked: the question.
            chunk: the passage.
            units: of the passage.
            of_parts: for each part of the question the probability that each unit answers.
            read: whether the reader has read them.
            others: what else was found.
            most: words of the reply.
        """
        text = chunk.answer or chunk.text
        enough = _ENOUGH_READ if read else ENOUGH
        chosen = sorted(
            {i for one in of_parts for i in choose(units, one, most / len(of_parts), enough)}
        )
        told = min(_told(units, one, chosen) for one in of_parts)
        complete = _COMPLETE * told if read else 1.0
        if any(units[i].number for i in chosen):
            text = whole_steps(chunk, text, await self._siblings(chunk, ()))
            if text != (chunk.answer or chunk.text):
                units = units_of(text, chunk.language)
                steps = {i for run in steps_of(units) for i in run}
                chosen = choose(units, [float(i in steps) / len(steps) for i in range(len(units))])
            by_words = score_sentences(asked.text, [unit.text for unit in units])
            chosen = shortened(text, units, chosen, by_words)
        words = assemble(text, units, chosen)
        piece = Piece(plain(words), words, _heading_of(units, chosen[0]), complete=complete)
        table = chosen[-1] + 1
        leads = table < len(units) and units[table].kind == "row"
        below = _rows_below(units, chosen[0])
        figures = re.search(r"\d", words) is not None
        priced = asks_price(asked.text) and any(has_amount(units[i].text) for i in below)
        lacking = not figures or (priced and not has_amount(words))
        if below and lacking and (leads or asks_figure(asked.text)):
            rows = await self._rows(asked, chunk, units, below[0], others)
            both = with_rows(piece, rows)
            if (leads or figures) and length(both.text) <= MOST:
                return both
            return piece if figures else rows
        return piece

    async def _read(
        self, question: str, chunk: Chunk, units: Sequence[Unit], scores: Sequence[float]
    ) -> list[float] | None:
        """Return the probabilities of units with what the reader says of each under its heading.

        The steps of a procedure are read together. ``None`` if the reader is not asked.
        """
        texts = [unit.text for unit in units]
        for steps in steps_of(units):
            whole = "\n".join(texts[i] for i in steps)
            texts = [whole if i in steps else text for i, text in enumerate(texts)]
        odds = await self._odds(question, chunk, texts)
        if odds is None:
            return None
        joined = np.asarray(scores) * np.exp(_READER * (odds - odds.max()))
        return [float(p) for p in joined / joined.sum()]

    async def _odds(
        self, question: str, chunk: Chunk, texts: Sequence[str], *, least: int = 2
    ) -> npt.NDArray[np.float64] | None:
        """Return the reader's log-odds of texts of a passage; ``None`` if it is not asked.

        Of fewer than `least` texts it is not.
        """
        if self._reader is None or len(texts) < least:
            return None
        heading = heading_of(chunk.title)
        headed = [f"{heading}\n{text}" for text in texts]
        try:
            return np.asarray(await self._reader.read(question, headed))
        except ModelError:
            return None

    async def _rows(
        self, asked: _Asked, chunk: Chunk, units: Sequence[Unit], row: int, others: Sequence[Hit]
    ) -> Piece:
        """Say the rows of a table that were asked for; other passages may have more of them."""
        lines = [units[i].text for i in run_around(units, row)]
        first = columns_of(read_rows(lines)[0])
        siblings = await self._siblings(chunk, others)
        for other in siblings if first else ():
            more = [u.text for u in units_of(other.text, chunk.language) if u.kind == "row"]
            lines += [m for m in more if columns_of(read_rows([m])[0]) == first]
        rows = read_rows(list(dict.fromkeys(lines)))
        near = await self._near_rows(asked.vector, chunk, rows)
        texts = [row.text for row in rows]
        odds = [await self._odds(wording, chunk, texts) for wording in asked.wordings]
        told = [one for one in odds if one is not None]
        read = np.sum(told, axis=0).tolist() if len(told) == len(odds) else None
        chosen = choose_rows(asked.text, rows, latest=asked.latest, near=near, read=read)
        said = say_rows(
            asked.text,
            rows,
            chosen,
            chunk.language,
            latest=asked.latest,
            read=await self._read_cells(asked, chunk, rows, chosen),
        )
        texts = [rows[i].text for i in chosen]
        beside = [chunk, *(other for other in siblings if other.title == chunk.title)]
        cells = [cell for i in chosen for _, cell in rows[i].cells]
        for condition in conditions(asked.latest or asked.text, beside, cells):
            if length(f"{said}\n{condition}") <= MOST:
                said = f"{said}\n{condition}"
                texts.append(condition)
        words = "\n".join(texts)
        column, name = rows[chosen[0]].cells[0]
        named = f"{column}: {name}" if column else name
        return Piece(plain(said), words, _heading_of(units, row), named)

    async def _read_cells(
        self, asked: _Asked, chunk: Chunk, rows: Sequence[Row], chosen: Sequence[int]
    ) -> dict[str, float]:
        """Return the reader's log-odds of each column, the highest of its cells in some rows.

        Each cell is read behind the name of its row. Empty if the reader is not asked.
        """
        cells = cells_of(rows, chosen)
        odds = [await self._odds(one, chunk, [text for _, text in cells]) for one in asked.wordings]
        told = [one for one in odds if one is not None]
        if not told or len(told) < len(odds):
            return {}
        found: dict[str, float] = {}
        for (name, _), value in zip(cells, np.sum(told, axis=0).tolist(), strict=True):
            found[name] = max(value, found.get(name, value))
        return found

    async def _near_rows(
        self, vector: Vector | None, chunk: Chunk, rows: Sequence[Row]
    ) -> list[float] | None:
        """Return how near each row of a table is, compared with the others."""
        if self._embedder is None or vector is None or len(rows) < 2:
            return None
        texts = [*(row_name(rows, i) for i in range(len(rows))), *map(row_values, rows)]
        found = await self._remember(f"{chunk.chunk_id} {len(rows)}", texts) @ vector
        by_name, by_cells = np.split(found, 2)
        near: npt.NDArray[np.float64] = np.maximum(
            by_name - by_name.mean(), by_cells - by_cells.mean()
        )
        return [float(value) for value in near]

    async def _siblings(self, chunk: Chunk, others: Sequence[Hit]) -> list[Chunk]:
        """Return the other passages of a document; without `chunks_of` those that were found."""
        found: Sequence[Chunk]
        if self._chunks_of is not None:
            found = await self._chunks_of([chunk.doc_id])
        else:
            found = [hit.chunk for hit in others if hit.chunk.doc_id == chunk.doc_id]
        return [c for c in found if c.kind == "passage" and c.chunk_id != chunk.chunk_id]

    async def _near(
        self, vector: Vector | None, chunk: Chunk, units: Sequence[Unit]
    ) -> list[float] | None:
        if self._embedder is None or vector is None or len(units) < 2:
            return None
        matrix = await self._remember(chunk.chunk_id, [unit.text for unit in units])
        return [float(s) for s in matrix @ vector]

    async def _remember(self, key: str, texts: Sequence[str]) -> Matrix:
        known = self._vectors.get(key)
        if known is None or len(known) != len(texts):
            assert self._embedder is not None
            known = await self._embedder.embed_passages(list(texts))
            self._vectors[key] = known
            if len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)
        self._vectors.move_to_end(key)
        return known


def _scores(
    question: str, chunk: Chunk, units: Sequence[Unit], near: Sequence[float] | None
) -> list[float]:
    across = near is not None and detect_language(question, chunk.language) != chunk.language
    texts = [unit.text for unit in units]
    scores = score_sentences(question, texts, similarities=near, across=across)
    steps = {i for steps in steps_of(units) for i in steps}
    if not steps or not asks_how(question):
        return scores
    likelier = [score * _PROCEDURE if i in steps else score for i, score in enumerate(scores)]
    return [score / sum(likelier) for score in likelier]


def _told(units: Sequence[Unit], scores: Sequence[float], chosen: Sequence[int]) -> float:
    """Return the share of what answers that is among some units; headings never are, and say it."""
    tells = [s for u, s in zip(units, scores, strict=True) if u.kind != "heading" and not u.asks]
    return min(1.0, sum(scores[i] for i in chosen) / max(sum(tells), 1e-9))


def _heading_of(units: Sequence[Unit], i: int) -> str:
    """Return the heading inside the passage that a unit stands under."""
    section = units[i].section
    return next((u.text for u in units if u.kind == "heading" and u.section == section), "")


def _rows_below(units: Sequence[Unit], i: int) -> list[int]:
    """Return the rows under the same heading as a unit."""
    section = units[i].section
    return [j for j, u in enumerate(units) if u.kind == "row" and u.section == section]


def _row_meant(units: Sequence[Unit], scores: Sequence[float]) -> int | None:
    """Return the row that answers, if a table does rather than sentences."""
    best = max(range(len(units)), key=lambda i: scores[i])
    if units[best].kind == "row":
        return best
    rows = [i for i, unit in enumerate(units) if unit.kind == "row"]
    if units[best].kind == "heading":
        below = [i for i, u in enumerate(units) if u.section == units[best].section and i != best]
        top = max(below, key=lambda i: scores[i], default=best)
        return top if units[top].kind == "row" else None
    told = sum(scores[i] for i in rows)
    alone = not any(u.kind in ("sentence", "item") and not u.asks for u in units)
    return max(rows, key=lambda i: scores[i]) if rows and (told > 0.5 or alone) else None
