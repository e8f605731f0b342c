"""Edits by hand: variants, answers, validity, negative examples."""

import asyncio
import datetime as dt
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypedDict, Unpack

from babel import Locale

from core.errors import AnswerdeskError
from core.types import Chunk, ChunkKind, IngestReport
from core.wording import locale, tr
from db.curation import Anchor, Curation, CurationKind, Curations
from kb.answering.translation import Translator
from kb.index.index import Index
from kb.index.view import Found
from kb.parse.faq.values import iso_date
from kb.releases.alike import key_of
from kb.releases.ingestor import Ingestor
from kb.review.findings import Found as Pairs
from kb.review.findings import OnCompared, both_valid
from kb.text.language import detect_language
from kb.text.segmentation import normalise

_SHORTEST_KEY = 4
_OLD_DAYS, _SOON_DAYS = 365, 30
_MERGE_S = 1.0
_MOST_CHARS: Mapping[CurationKind, int] = {
    "variant": 400, "negative": 400, "answer": 20_000, "translation": 20_000, "draft": 20_000,
    "category": 100,
}  # fmt: skip
"""Every embedding model reads as much of a question whole."""
_ONE_OF_A_KIND: frozenset[CurationKind] = frozenset(
    {"answer", "validity", "category", "translation", "draft"}
)
"""Edits of which an entry has at most one, of translations one for each language."""
_TRANSLATED: frozenset[CurationKind] = frozenset({"translation", "draft"})


class EntryNotFound(AnswerdeskError):
    """No live entry, or more than one, has this key."""

    def __init__(self, key: str, found: Sequence[Chunk] = ()) -> None:
        means = tr("%(key)r means no live entry.", key=key)
        if found:
            means = tr("%(key)r means %(count)s entries.", key=key, count=len(found))
        remedy = tr(
            "An entry whose answer changed has another number: look for it again under Knowledge."
        )
        super().__init__(f"{means} {remedy}")


class BadChange(AnswerdeskError):
    """A change to an entry makes no sense; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} " + tr("Nothing was changed."))


class ChangeNotLive(AnswerdeskError):
    """A change is stored and could not be published yet."""

    def __init__(self, doc_id: str, reason: str) -> None:
        super().__init__(
            tr(
                "The change is stored, but %(name)r could not be published: %(reason)s It goes "
                "live with the document's next version.",
                name=doc_id,
                reason=reason,
            )
        )


class What(TypedDict, total=False):
    """The content of a change to an entry; unused fields are empty."""

    text: str
    """The variant, answer, negative example, note or translated answer."""
    valid_from: str
    valid_until: str
    """ISO dates, for ``validity``; both empty: valid always."""
    language: str
    """ISO 639-1, of ``translation`` and ``draft``."""


@dataclass(frozen=True)
class Entries:
    """Lists live entries and changes them; each change is one release that can be undone.

    An entry is named by its number (chunk id) or the beginning of it. The number is a hash of
    question and answer, so a change meant for an answer that is no longer live is refused.

    After EntryNotFound, CurationNotFound and BadChange nothing was changed; after ChangeNotLive the
    change is stored only.
    """

    index: Index
    ingestor: Ingestor
    curations: Curations
    translator: Translator | None = None
    """Drafts translations; ``None``: there is no generator for it."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def find(self, words: str = "", *, documents: str = "*") -> list[Chunk]:
        """Return live entries by document and question; see `search`."""
        return list((await self.search(words, documents=documents, kind="faq")).chunks)

    async def search(
        self,
        words: str = "",
        *,
        documents: str = "*",
        kind: ChunkKind | None = None,
        most: int | None = None,
        without: Collection[str] = (),
        stale: bool = False,
    ) -> Found:
        """Return live entries and passages; see `kb.index.view.View.find`.

        `stale`: only those that ended, end within a month, or came a year ago or earlier.
        """
        view, today = await self.index.view(), dt.datetime.now(dt.UTC).date()
        return await view.find(
            words,
            documents=documents,
            kind=kind,
            most=most,
            without=without,
            came_by=(today - dt.timedelta(_OLD_DAYS)).isoformat() if stale else "",
            ends_by=(today + dt.timedelta(_SOON_DAYS)).isoformat() if stale else "",
        )

    async def one(self, chunk_id: str) -> Chunk:
        """Return a live entry or passage by its full id."""
        chunk = await (await self.index.view()).chunk(chunk_id)
        if chunk is None:
            raise EntryNotFound(chunk_id)
        return chunk

    async def named(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """Return those of the entries and passages that are live."""
        return await (await self.index.view()).named(chunk_ids)

    async def get(self, key: str) -> Chunk:
        """Return the live entry of a number, or of the beginning of one."""
        if len(key) < _SHORTEST_KEY:
            raise EntryNotFound(key)
        found = await (await self.index.view()).entries_like(key.lower())
        if len(found) != 1:
            raise EntryNotFound(key, found)
        return found[0]

    async def change(
        self, key: str, kind: CurationKind, *, author: str = "", **what: Unpack[What]
    ) -> Curation:
        """Store a change to an entry and publish it; of two at once the second sees the first."""
        async with self._turn:
            return await self._change(key, kind, author, **what)

    async def _change(
        self, key: str, kind: CurationKind, author: str, **what: Unpack[What]
    ) -> Curation:
        entry, what["text"] = await self.check(key, kind, **what)
        active = await self._active(entry)
        kinds = _TRANSLATED if kind == "translation" else {kind}
        language = what.get("language", "")
        same = [c for c in active if c.kind in kinds and c.language == language]
        replaced = same if kind in _ONE_OF_A_KIND else []
        stored = await self.curations.add(
            kind,
            _anchor(entry, () if kind in _TRANSLATED else active),
            replaces=[curation.curation_id for curation in replaced],
            chunk_id=entry.chunk_id,
            author=author,
            **what,
        )
        if kind != "draft":
            await self._publish(f"{kind}: {entry.text}", entry.doc_id)
        return await self.curations.get(stored.curation_id)

    async def foresee(self, key: str, kind: CurationKind, **what: Unpack[What]) -> IngestReport:
        """Report what a change to an entry would do to answers; nothing is stored."""
        entry, what["text"] = await self.check(key, kind, **what)
        anchor = _anchor(entry, await self._active(entry))
        trial = Curation(kind=kind, anchor=anchor, chunk_id=entry.chunk_id, **what)
        asked = what["text"] if kind in {"variant", "negative"} else entry.text
        return await self.ingestor.foresee(trial, own=[(asked, 0, 0)])

    async def _active(self, entry: Chunk) -> list[Curation]:
        work = await self.curations.open()
        return [c for c in work if c.chunk_id == entry.chunk_id and c.state == "active"]

    async def draft(self, key: str, language: str, *, author: str = "") -> Curation:
        """Store a translation of an entry's answer (ISO 639-1) that a generator writes.

        Nobody is shown it before somebody stores it as a ``translation``.
        """
        entry = await self.get(key)
        _check_language(entry, language)
        if self.translator is None:
            raise BadChange(tr("Nothing here drafts translations."))
        source = entry.language or detect_language(entry.answer)
        text = await self.translator.draft(entry.answer, source=source, target=language)
        return await self.change(
            entry.chunk_id, "draft", text=text, language=language, author=author
        )

    async def check(self, key: str, kind: CurationKind, **what: Unpack[What]) -> tuple[Chunk, str]:
        """Return the entry that a change is for, and the text as it would be stored."""
        entry, text = await self.get(key), what.get("text", "")
        lines = kind in {"answer", "note", *_TRANSLATED}
        text = text.strip() if lines else " ".join(text.split())
        _check_text(entry, kind, text)
        if kind == "variant":
            await self._check_wording(entry, text)
        _check_days(kind, what.get("valid_from", ""), what.get("valid_until", ""))
        if kind in _TRANSLATED:
            _check_language(entry, what.get("language", ""))
        return entry, text

    async def _check_wording(self, entry: Chunk, text: str) -> None:
        """Refuse a wording that another entry with another answer is asked by on the same days."""
        key = key_of(text)
        for other in (await self.search(key, kind="faq")).chunks:
            asked = {key_of(question) for question in (other.text, *other.variants)}
            if key in asked and other.answer != entry.answer and both_valid(entry, other):
                raise BadChange(
                    tr(
                        "%(text)r is a question of the entry %(other)r (%(document)s), which has "
                        "another answer: change that entry, or take the wording out of it first.",
                        text=text,
                        other=other.text,
                        document=other.doc_id,
                    )
                )

    async def audit(self, on_compared: OnCompared) -> list[Pairs]:
        """Find contradictions and duplicates in everything that is live; `Inspector.audit`."""
        return await self.ingestor.inspector.audit(await self.index.view(), on_compared)

    async def merge(self, key: str, into: str, *, author: str = "") -> int:
        """Switch an entry off, and ask another one by its wordings, as one release.

        Return the number of the change that switches it off; taking that back parts them again.
        """
        entry, kept = await self.get(key), await self.get(into)
        if entry == kept:
            raise BadChange(tr("An entry cannot be merged with itself."))
        work = await self.curations.open()
        asked = {normalise(text) for text in (kept.text, *kept.variants)}
        new = [text for text in (entry.text, *entry.variants) if normalise(text) not in asked]
        changes: list[tuple[Chunk, CurationKind, str]] = [(kept, "variant", text) for text in new]
        number = 0
        for one, kind, text in [*changes, (entry, "disabled", kept.text)]:
            active = [c for c in work if c.chunk_id == one.chunk_id and c.state == "active"]
            stored = await self.curations.add(
                kind, _anchor(one, active), chunk_id=one.chunk_id, text=text, author=author
            )
            number = stored.curation_id
        await self._publish(f"merged: {entry.text}", kept.doc_id, entry.doc_id)
        return number

    async def take_back(self, number: int) -> Curation:
        """Undo a change as one release, or drop what waits for review.

        With what switched an entry off in a merge, the wordings that it lent go too.
        """
        change = await self.curations.get(number)
        lent = _lent(change, await self.curations.open()) if change.kind == "disabled" else []
        closed = [await self.curations.close(one.curation_id) for one in (*lent, change)]
        if change.kind != "draft":
            note = f"without {change.kind}: {change.anchor.question}"
            await self._publish(note, *(one.anchor.doc_id for one in closed))
        return closed[-1]

    async def reattach(self, number: int, key: str) -> Curation:
        """Put work that waits for review on a live entry, also of another document."""
        waiting = await self.curations.get(number)
        made = await self.change(
            key,
            waiting.kind,
            text=waiting.text,
            valid_from=waiting.valid_from,
            valid_until=waiting.valid_until,
            language=waiting.language,
            author=waiting.author,
        )
        if made.curation_id != number:
            await self.curations.close(number)
        return made

    async def _publish(self, note: str, *doc_ids: str) -> None:
        report = await self.ingestor.reread(doc_ids, note=note[:200])
        if failed := next((file for file in report.files if file.error), None):
            raise ChangeNotLive(failed.doc_id, failed.error)


def _lent(off: Curation, work: Sequence[Curation]) -> list[Curation]:
    """Return the wordings that a merge gave another entry just before it switched this one off."""
    before = [one for one in work if one.curation_id < off.curation_id]
    lent = itertools.takewhile(
        lambda one: (
            one.kind == "variant"
            and off.text
            and off.created - one.created < _MERGE_S
            and one.author == off.author
        ),
        reversed(before),
    )
    return list(lent)


def _anchor(entry: Chunk, active: Sequence[Curation]) -> Anchor:
    """Return the entry without edits, as its file has it."""
    own = Anchor(entry.doc_id, entry.entry_id, entry.text, entry.answer)
    edited = [curation for curation in active if curation.kind == "answer"]
    return next((known.anchor for known in edited or active), own)


@cache
def languages() -> Mapping[str, str]:
    """Return the languages that a translation may be in: code (ISO 639-1) and English name."""
    return {code: name for code, name in Locale("en").languages.items() if len(code) == 2}


def _check_language(entry: Chunk, language: str) -> None:
    if language not in languages():
        raise BadChange(
            tr("%(code)r is no language: give a code such as de, es or zh.", code=language)
        )
    if language == (entry.language or detect_language(entry.answer)):
        raise BadChange(
            tr("The answer itself is in %(language)s.", language=locale().languages[language])
        )


def _check_text(entry: Chunk, kind: CurationKind, text: str) -> None:
    asked = {normalise(question) for question in (entry.text, *entry.variants)}
    if kind not in {"disabled", "validity", "category"} and not text:
        raise BadChange(tr("The text is empty."))
    if (most := _MOST_CHARS.get(kind)) and len(text) > most:
        raise BadChange(
            tr("It has %(chars)s characters; at most %(most)s fit.", chars=len(text), most=most)
        )
    if kind == "answer" and text == entry.answer:
        raise BadChange(tr("That is its answer already."))
    if kind == "variant" and normalise(text) in asked:
        raise BadChange(tr("The entry is asked %(text)r already.", text=text))
    if kind == "negative" and normalise(text) in asked:
        raise BadChange(
            tr("The entry itself is asked %(text)r: take that out of the file first.", text=text)
        )


def _check_days(kind: CurationKind, valid_from: str, valid_until: str) -> None:
    for day in (valid_from, valid_until):
        if day and iso_date(day) != day:
            raise BadChange(tr("%(day)r is no clear date: write 2026-12-31.", day=day))
    if kind == "validity" and valid_from and valid_until and valid_from > valid_until:
        raise BadChange(
            tr(
                "It would be valid from %(first)s, but only until %(last)s.",
                first=valid_from,
                last=valid_until,
            )
        )
