"""What operators did to entries by hand: truth that no file holds.

A piece of work belongs to an entry of a document and remembers that entry as the file had it, so
that it finds the entry again in the file's next version (`kb.ingest.curate`).
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, ColumnElement, String, Text, delete, or_, select
from sqlalchemy.orm import Mapped, MappedAsDataclass, Session, composite, mapped_column

from core.errors import AnswerdeskError
from db.base import Base, Repository, reads, writes

CurationKind: TypeAlias = Literal[
    "variant", "answer", "disabled", "negative", "validity", "category", "note", "translation",
    "draft",
]  # fmt: skip
"""``draft``: a translation that nobody is shown before it is stored as ``translation``."""
CurationState: TypeAlias = Literal["active", "unfit", "undone"]
"""``active``: it is in what is published next. ``unfit``: its entry was not found, or says
something else now. ``undone``: a release from before it was published again. The last two wait for
review."""


class CurationNotFound(AnswerdeskError):
    """No open piece of work has this number."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"There is no operators' change {number}; Knowledge lists those that there are."
        )


class SettledPair(Base):
    """Two entries or passages that may stay as they are, in alphabetical order."""

    __tablename__ = "settled_pairs"

    chunk_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    other_chunk_id: Mapped[str] = mapped_column(String(32), primary_key=True)


class LookedThrough(Base):
    """What the last look at the whole knowledge base found: the one row of its table."""

    __tablename__ = "contradictions"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    release: Mapped[int]
    """The live release when the look began."""
    found: Mapped[list[Any]] = mapped_column(JSON)
    """As `kb.review.findings` has it."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An entry as its file has it, without what operators changed."""

    doc_id: str
    entry_id: str
    question: str
    answer: str


class Curation(MappedAsDataclass, Base, kw_only=True, eq=False):
    """One piece of work."""

    __tablename__ = "curations"

    curation_id: Mapped[int] = mapped_column(primary_key=True, default=None)
    kind: Mapped[CurationKind] = mapped_column(String(12))
    doc_id: Mapped[str] = mapped_column(String(1024), index=True, init=False)
    entry_id: Mapped[str] = mapped_column(String(255), init=False)
    question: Mapped[str] = mapped_column(Text, init=False)
    answer: Mapped[str] = mapped_column(Text, init=False)
    anchor: Mapped[Anchor] = composite("doc_id", "entry_id", "question", "answer")
    chunk_id: Mapped[str] = mapped_column(String(32), index=True)
    """Of the entry as it is live."""
    text: Mapped[str] = mapped_column(Text, default="")
    """The variant, answer, negative example, note, translated answer or draft of one."""
    valid_from: Mapped[str] = mapped_column(String(10), default="")
    valid_until: Mapped[str] = mapped_column(String(10), default="")
    """Of ``validity``: ISO dates, empty without limit."""
    language: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """Of ``translation`` and ``draft``: ISO 639-1."""
    author: Mapped[str] = mapped_column(String(64), default="")
    created: Mapped[float] = mapped_column(default_factory=time.time)
    """UTC epoch seconds."""
    closed: Mapped[float | None] = mapped_column(default=None)
    """UTC epoch seconds at which it was taken back or replaced; ``None``: it was not."""
    state: Mapped[CurationState] = mapped_column(String(8), default="active")
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it waits for review."""

    def settled(self, reason: str = "") -> "Settled":
        """Return it as it was, active, or with a reason why it does not fit."""
        state: CurationState = "unfit" if reason else "active"
        return Settled(self.curation_id, state, reason, self.anchor, self.chunk_id)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a piece of work in a publish."""

    curation_id: int
    state: CurationState
    reason: str
    anchor: Anchor
    chunk_id: str


class Curations(Repository):
    """Stores operators' work on entries."""

    @writes
    def add(
        self,
        session: Session,
        /,
        kind: CurationKind,
        anchor: Anchor,
        *,
        replaces: Iterable[int] = (),
        **fields: Any,
    ) -> Curation:
        """Store a piece of work, closing those that it takes the place of, in one transaction.

        `fields` are others of `Curation`: what is done, to which chunk, by whom.
        """
        now = time.time()
        for number in replaces:
            old = session.get(Curation, number)
            if old is not None and old.closed is None:
                old.closed = now
        row = Curation(kind=kind, anchor=anchor, created=now, **fields)
        session.add(row)
        return row

    async def settle_pair(self, chunk_ids: Iterable[str], *, settled: bool) -> None:
        """Remember, or forget, that two entries or passages may stay as they are.

        An edited one has another id, so the pair is looked at again.
        """
        one, other = sorted(chunk_ids)
        if settled:
            await self._put(SettledPair(chunk_id=one, other_chunk_id=other))
        else:
            pair = SettledPair.chunk_id == one, SettledPair.other_chunk_id == other
            await self._execute(delete(SettledPair).where(*pair))

    async def settled_pairs(self) -> set[frozenset[str]]:
        """Return the pairs of chunks that may stay as they are."""
        pairs = await self._all(select(SettledPair))
        return {frozenset((pair.chunk_id, pair.other_chunk_id)) for pair in pairs}

    async def keep_look(self, release: int, found: Sequence[Any]) -> None:
        """Remember what was found in a release, in place of what was found before."""
        await self._put(LookedThrough(id=1, release=release, found=[*found]))

    async def last_look(self) -> LookedThrough | None:
        """Return what the last look found, ``None`` before the first."""
        return await self._first(select(LookedThrough))

    @reads
    def get(self, session: Session, number: int) -> Curation:
        """Return an open piece of work; raises `CurationNotFound` if there is none."""
        return _open(session, number)

    async def closed(self, number: int) -> Curation | None:
        """Return a piece of work that was taken back or replaced, ``None`` if it was not."""
        closed = Curation.curation_id == number, Curation.closed.is_not(None)
        return await self._first(select(Curation).where(*closed))

    async def open(self, doc_ids: Iterable[str] | None = None) -> list[Curation]:
        """Return all open pieces of work, or those of some documents, oldest first."""
        query = select(Curation).where(Curation.closed.is_(None))
        rows = await self._all(query.order_by(Curation.curation_id))
        wanted = None if doc_ids is None else set(doc_ids)
        return [row for row in rows if wanted is None or row.doc_id in wanted]

    async def translation(self, chunk_id: str, language: str) -> str:
        """Return the approved answer of an entry in a language (ISO 639-1), empty if there is none.

        An entry with another answer has another id, so what is stale is never returned.
        """
        text = await self._first(
            select(Curation.text)
            .where(
                Curation.chunk_id == chunk_id,
                Curation.language == language,
                Curation.kind == "translation",
                Curation.state != "undone",
                Curation.closed.is_(None),
            )
            .order_by(Curation.curation_id.desc())
            .limit(1)
        )
        return text or ""

    async def history(self, doc_id: str, question: str) -> Sequence[Curation]:
        """Return all work on an entry, the latest first, also what was taken back."""
        return await self._all(
            select(Curation)
            .where(Curation.doc_id == doc_id, Curation.question == question)
            .order_by(Curation.curation_id.desc())
        )

    async def as_of(self, moment: float) -> list[Curation]:
        """Return what was attached, or waited to be, at a moment (UTC epoch seconds), as active."""
        rows = await self._all(select(Curation).where(*_at(moment)).order_by(Curation.curation_id))
        return [replace(row, state="active") for row in rows]

    @writes
    def close(self, session: Session, number: int) -> Curation:
        """Take an open piece of work back; raises `CurationNotFound` if there is none."""
        row = _open(session, number)
        row.closed = time.time()
        return row

    @writes
    def settle(self, session: Session, settled: Sequence[Settled]) -> None:
        """Note what became of pieces of work; those taken back meanwhile stay taken back."""
        for one in settled:
            row = session.get(Curation, one.curation_id)
            if row is None:
                continue
            row.state, row.reason, row.chunk_id = one.state, one.reason, one.chunk_id
            row.anchor = one.anchor

    @writes
    def return_to(self, session: Session, moment: float, *, at: float, reason: str) -> None:
        """Bring the work of a moment back, and put later work up for review.

        A row is what was so from `created` to `closed`, and stays: what comes back, or waits for
        review from now on, is a new row. `moment` is that of the release that was published
        again, `at` that of the new one (UTC epoch seconds); `reason`: why later work waits.
        """
        wanted = session.scalars(select(Curation).where(*_at(moment))).all()
        open_rows = session.scalars(select(Curation).where(Curation.closed.is_(None))).all()
        current = [row for row in open_rows if row.state != "undone"]
        waiting = [row for row in open_rows if row.state == "undone"]
        for row in _without(wanted, current):
            session.add(_again(row, created=at))
            for done in [old for old in waiting if _content(old) == _content(row)][:1]:
                done.closed = at
        for row in _without(current, wanted):
            row.closed = at
            session.add(_again(row, created=at, state="undone", reason=reason))


def _open(session: Session, number: int) -> Curation:
    row = session.get(Curation, number)
    if row is None or row.closed is not None:
        raise CurationNotFound(number)
    return row


def _at(moment: float) -> tuple[ColumnElement[bool], ...]:
    return (
        Curation.state != "undone",
        Curation.created <= moment,
        or_(Curation.closed.is_(None), Curation.closed > moment),
    )


def _content(row: Curation) -> tuple[str, ...]:
    of_answer = row.answer if row.kind == "translation" else ""
    shown = row.text, row.language, row.valid_from, row.valid_until
    return (row.kind, row.doc_id, row.question, of_answer, *shown)


def _without(rows: Sequence[Curation], others: Sequence[Curation]) -> list[Curation]:
    """Return the rows that have no counterpart of the same content among others."""
    left = Counter(map(_content, others))
    kept = []
    for row in rows:
        if left[_content(row)]:
            left[_content(row)] -= 1
        else:
            kept.append(row)
    return kept


def _again(row: Curation, **changes: Any) -> Curation:
    return replace(
        row, **{"curation_id": None, "closed": None, "state": "active", "reason": "", **changes}
    )
