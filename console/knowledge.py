"""The page of entries and passages: search, add, edit; pending reviews; releases."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, chosen, fields_of, number_of, read_number
from console.operator import Records
from console.pages import Pages
from console.report import answers_of, shown_of
from console.security_logins import current_person
from console.upload_desk import UploadDesk
from console.work import Works, WorkState
from core.errors import AnswerdeskError, ReleaseNotFound
from core.recent import Recent
from core.types import Chunk, ChunkKind, IngestReport
from core.wording import N_, locale, tr
from db.curation import Curation, CurationKind
from db.knowledge import Release
from db.uploads import Entry
from kb.answering.texts import TEXT_LANGUAGES
from kb.answering.translation import TranslationDiffers
from kb.index.view import Found
from kb.releases.entries import Entries, EntryNotFound, What, languages
from kb.releases.open_questions import OpenQuestions
from kb.releases.release import Releases
from kb.review.forecast import Forecast

_SHOWN = 100
"""Entries of one page; a search finds the others."""
_SEARCH_CHARS = 200
_CHANGED = N_(
    "Somebody has changed or removed this entry meanwhile, so yours was not saved. Find it here."
)
_THEIRS = N_(
    "Somebody has changed this entry meanwhile, so yours was not saved. Here is the entry as it is "
    "now, with what you wrote in the form. Sending it again replaces theirs."
)
_NOTHING_SENT = {"kind": "", "text": "", "language": ""}
_COMPARED = 100
"""Releases whose comparison has known progress."""
_KINDS: tuple[CurationKind, ...] = get_args(CurationKind)
_ONLY: Mapping[str, ChunkKind] = {"faq": "faq", "passage": "passage"}
_LATEST, _LOOKED_AT, _UNTRANSLATED = 2000, 100, 10
"""Answers in which it is counted how often an entry was cited, and to customers of which language;
the most frequent ones whose entries are looked up for a translation; those that are listed."""


@dataclass(frozen=True, slots=True)
class Editing:
    """The knowledge base as the page changes it."""

    entries: Entries
    releases: Releases


@dataclass(frozen=True, slots=True)
class Untranslated:
    """An answer that customers of another language got as it stands."""

    entry: Chunk
    language: str
    """Of the customers, ISO 639-1."""
    times: int
    """Among the latest answers."""


@dataclass(kw_only=True)
class KnowledgePages:
    """Endpoints of the page of entries."""

    pages: Pages
    editing: Editing
    questions: OpenQuestions
    desk: UploadDesk
    records: Records
    spoken: Sequence[str]
    """The company's languages, which are offered first."""

    def __post_init__(self) -> None:
        self._previews: Works[Forecast] = Works(self.desk.spawn)
        self._edits: Works[IngestReport] = Works(self.desk.spawn)
        self._sent: Recent[str, Mapping[str, str]] = Recent(_COMPARED)
        self._rollbacks: Works[Release] = Works(self.desk.spawn)
        self._asked: Recent[int, tuple[int, int]] = Recent(_COMPARED)
        self._comparing: Recent[tuple[int, int], str] = Recent(_COMPARED)

    async def show(self, request: Request) -> Response:
        """Show entries and passages, changes and releases."""
        asked = request.query_params
        return await self._page(
            words=asked.get("q", "")[:_SEARCH_CHARS],
            document=asked.get("document", ""),
            kind=asked.get("kind", ""),
            question=await self._question(request),
            linked=tuple(read_number(asked.get(key, "")) for key in ("changed", "answered")),
            undone=tuple(read_number(asked.get(key, "")) for key in ("undone", "opened")),
        )

    async def one(self, request: Request) -> Response:
        """Show an entry or passage with everything that operators did to it."""
        work = request.query_params.get("preview", "")
        return await self._entry(
            request.query_params.get("id", ""),
            question=await self._question(request),
            asked=read_number(request.query_params.get("answer", "")),
            sent=self._sent.get(work) or _NOTHING_SENT,
            preview=self._edits.look(work) if work else None,
        )

    async def add(self, request: Request) -> Response:
        """Propose an entry, and lead to its preview."""
        fields = await fields_of(request)
        question = " ".join(fields["question"].split())
        try:
            number = await self.desk.propose(Entry(question, fields["answer"].strip()))
        except AnswerdeskError as error:
            return await self._page(notice=str(error), status=409)
        return RedirectResponse(f"/console/upload?number={number}", 303)

    async def change(self, request: Request) -> Response:
        """Change an entry, and publish that."""
        fields = await fields_of(request)
        kind = chosen(fields["kind"], _KINDS)
        try:
            author = current_person.get().author
            made = await self.editing.entries.change(
                fields["id"], kind, author=author, **_what(fields)
            )
        except EntryNotFound:
            now = await self._as_it_is_now(fields["document"], fields["question"])
            notice = tr(_THEIRS) if now else tr(_CHANGED)
            return await self._entry(now or fields["id"], notice=notice, status=409, sent=fields)
        except AnswerdeskError as error:
            return await self._entry(fields["id"], notice=str(error), status=409, sent=fields)
        if kind == "disabled":
            return RedirectResponse("/console/knowledge#changes", 303)
        return RedirectResponse(f"/console/entry?id={made.chunk_id}", 303)

    async def preview(self, request: Request) -> Response:
        """Begin to find out what a change to an entry would do, and lead to that."""
        fields = await fields_of(request)
        kind = chosen(fields["kind"], _KINDS)
        foresee = self.editing.entries.foresee(fields["id"], kind, **_what(fields))
        work = self._edits.begin(foresee)
        self._sent.put(work, fields)
        where = urlencode({"id": fields["id"], "preview": work})
        return RedirectResponse(f"/console/entry?{where}#preview", 303)

    async def draft(self, request: Request) -> Response:
        """Draft a translation of an entry's answer."""
        fields = await fields_of(request)
        key, language = fields["id"], fields["language"]
        try:
            author = current_person.get().author
            await self.editing.entries.draft(key, language, author=author)
        except AnswerdeskError as error:
            written = error.draft if isinstance(error, TranslationDiffers) else ""
            sent = {"kind": "translation", "language": language, "text": written}
            return await self._entry(key, notice=str(error), status=409, sent=sent)
        return RedirectResponse(f"/console/entry?id={key}#translations", 303)

    async def take_back(self, request: Request) -> Response:
        """Undo changes by hand, or drop one that waits for review.

        Questions that it answered are open again.
        """
        number = await number_of(request)
        try:
            opened = await self.questions.unlink(number)
        except AnswerdeskError as error:
            return await self._page(notice=str(error), status=409)
        return RedirectResponse(f"/console/knowledge?undone={number}&opened={opened}", 303)

    async def release(self, request: Request) -> Response:
        """Show a release; of an earlier one, what would change if it were published again."""
        asked = request.query_params
        number = read_number(asked.get("number", ""))
        release = await self._release(number)
        live = await self.records.releases.live_number()
        here = f"/console/release?number={number}"
        if number != live and not asked.keys() & {"preview", "work"}:
            preview = self._comparing.get((number, live)) or ""
            if not preview or self._previews.look(preview)[0] != "working":  # else it goes on
                on_asked = partial(self._on_asked, number)
                foresee = self.editing.releases.foresee(number, on_asked=on_asked)
                preview = self._previews.begin(foresee)
                self._comparing.put((number, live), preview)
            return RedirectResponse(f"{here}&preview={preview}", 303)
        work, preview = asked.get("work", ""), asked.get("preview", "")
        foreseen = self._previews.look(preview) if preview else None
        made = foreseen[2] if foreseen else None
        return self.pages.response(
            "release.html",
            release=release,
            live=live,
            going=self._rollbacks.look(work) if work else None,
            preview=foreseen,
            progress=self._asked.get(number),
            asked=await self.records.figures.named(made.answers) if made else {},
            differing=await self.editing.releases.diff(live, number) if preview else None,
        )

    def _on_asked(self, number: int, done: int, total: int) -> None:
        self._asked.put(number, (done, total))

    async def roll_back(self, request: Request) -> Response:
        """Begin to publish an earlier release again."""
        number = await number_of(request)
        await self._release(number)
        work = self._rollbacks.begin(self.editing.releases.rollback(number))
        return RedirectResponse(f"/console/release?number={number}&work={work}", 303)

    async def _release(self, number: int) -> Release:
        try:
            return await self.records.releases.get(number)
        except ReleaseNotFound as error:
            raise Refused(str(error)) from error

    async def _page(
        self,
        *,
        words: str = "",
        document: str = "",
        kind: str = "",
        notice: str = "",
        status: int = 200,
        question: str = "",
        linked: Sequence[int] = (0, 0),
        undone: Sequence[int] = (0, 0),
    ) -> Response:
        found = Found((), 0)
        only: ChunkKind | None = _ONLY.get(kind)
        cited = await self.records.figures.languages(latest=_LATEST)
        hits = Counter[str]()
        for (chunk_id, _), times in cited.items():
            hits[chunk_id] += times
        try:
            found = await self.editing.entries.search(
                words,
                documents=literally(document) or "*",
                kind=only,
                most=_SHOWN,
                without=hits.keys() if kind == "unused" else (),
                stale=kind == "stale",
            )
        except AnswerdeskError as error:
            notice = notice or str(error)
        changes = await self.editing.entries.curations.open()
        releases = await self.records.releases.list(limit=20)
        documents = await self.records.releases.documents(releases[0].number) if releases else {}
        return self.pages.response(
            "knowledge.html",
            status=status,
            notice=notice,
            question=question,
            linked=linked,
            undone=await self.editing.entries.curations.closed(undone[0]),
            opened=undone[1],
            words=words,
            document=document,
            kind=kind,
            found=found,
            hits=hits,
            latest=_LATEST,
            documents=sorted(documents),
            waiting=[change for change in changes if change.state != "active"],
            live=[change for change in changes if change.state == "active"],
            untranslated=await self._untranslated(changes, cited.most_common(_LOOKED_AT)),
            releases=releases,
        )

    async def _untranslated(
        self, changes: Sequence[Curation], cited: Sequence[tuple[tuple[str, str], int]]
    ) -> list[Untranslated]:
        """Return the cited answers worth translating, the most frequent first."""
        known = {
            (change.chunk_id, change.language)
            for change in changes
            if change.kind == "translation" and change.state == "active"
        }
        try:
            live = await self.editing.entries.named([chunk_id for (chunk_id, _), _ in cited])
        except AnswerdeskError:
            return []
        entries = {entry.chunk_id: entry for entry in live if entry.kind == "faq"}
        return [
            Untranslated(entry, language, times)
            for (chunk_id, language), times in cited
            if (entry := entries.get(chunk_id)) is not None
            and language not in {"", entry.language}
            and (chunk_id, language) not in known
        ][:_UNTRANSLATED]

    async def _question(self, request: Request) -> str:
        """Return the question whose answer is to be corrected; else empty."""
        number = read_number(request.query_params.get("answer", ""))
        asked = await self.records.figures.one(number) if number else None
        return " ".join(asked.question.split()) if asked else ""

    async def _as_it_is_now(self, document: str, question: str) -> str:
        """Return the id of the live entry with a question; empty if there is none."""
        with suppress(AnswerdeskError):
            found = await self.editing.entries.search(documents=literally(document), kind="faq")
            return next((one.chunk_id for one in found.chunks if one.text == question), "")
        return ""

    def _languages(self) -> list[list[tuple[str, str]]]:
        """Return codes and names of languages: the company's own and those that have texts of the
        service; all others by name."""
        first = list(dict.fromkeys((*self.spoken, *TEXT_LANGUAGES)))
        names = locale().languages
        rest = sorted(languages().keys() - {*first}, key=lambda code: names[code].casefold())
        return [[(code, names[code]) for code in codes] for codes in (first, rest)]

    async def _entry(
        self,
        chunk_id: str,
        *,
        notice: str = "",
        status: int = 200,
        sent: Mapping[str, str] = _NOTHING_SENT,
        question: str = "",
        asked: int = 0,
        preview: tuple[WorkState, str, IngestReport | None] | None = None,
    ) -> Response:
        report = preview[2] if preview else None
        try:
            chunk = await self.editing.entries.one(chunk_id)
        except AnswerdeskError as error:
            # The entry is gone, its form too.
            kept = " " + tr("You wrote:") + f" {sent['text']}" if sent["text"] else ""
            status = 409 if notice else 404
            return await self._page(notice=(notice or str(error)) + kept, status=status)
        history = await self.editing.entries.curations.history(chunk.doc_id, chunk.text)
        return self.pages.response(
            "entry.html",
            status=status,
            chunk=chunk,
            history=history,
            translations=[
                change
                for change in history
                if change.kind in {"translation", "draft"}
                and change.chunk_id == chunk.chunk_id
                and change.state != "undone"
                and not change.closed
            ],
            languages=self._languages(),
            notice=notice,
            sent=sent,
            question=question,
            corrects=asked,
            preview=preview,
            report=report,
            shown=shown_of(report),
            **await answers_of(report, self.records.figures),
            concerns=await self.questions.concerns(question) if question else (),
        )


def _what(fields: Mapping[str, str]) -> What:
    return {
        "text": fields["text"],
        "valid_from": fields["from"],
        "valid_until": fields["until"],
        "language": fields["language"],
    }


def literally(document: str) -> str:
    """Return a document's name as a pattern that matches it alone."""
    return re.sub(r"([*?[])", r"[\1]", document)
