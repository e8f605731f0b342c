"""The operators' page of entries: what is live, what was changed by hand, what waits for review."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import number_of
from console.pages import Pages
from core.errors import AnswerdeskError
from core.types import Chunk
from db.curation import Curation
from db.knowledge import Release, ReleaseRepository

_SHOWN = 100
"""Entries of one page; a search finds the others."""
_SEARCH_CHARS = 200


class EditsEntries(Protocol):
    """The part of `kb.releases.entries.Entries` that the page uses."""

    async def find(self, words: str = "", *, documents: str = "*") -> list[Chunk]:
        """Return live entries with these letters."""
        ...

    async def changes(self) -> list[Curation]:
        """Return what operators changed by hand."""
        ...

    async def take_back(self, number: int) -> Curation:
        """Undo a change, or drop one that waits for review."""
        ...


class RollsBack(Protocol):
    """The part of `kb.releases.release.Releases` that the page uses."""

    async def rollback(self, number: int) -> Release:
        """Publish an earlier release again."""
        ...


@dataclass(frozen=True, slots=True)
class Editing:
    """The knowledge base as the page changes it."""

    entries: EditsEntries
    releases: RollsBack


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows."""

    words: str
    entries: Sequence[Chunk]
    found: int
    """Entries that have the words, of which some may not be shown."""
    waiting: Sequence[Curation]
    live: Sequence[Curation]
    releases: Sequence[Release]


class KnowledgePages:
    """Endpoints of the page of entries."""

    def __init__(self, *, pages: Pages, editing: Editing, releases: ReleaseRepository) -> None:
        self._pages = pages
        self._editing = editing
        self._releases = releases

    async def show(self, request: Request) -> Response:
        """Show entries, changes and releases."""
        return await self._page(words=request.query_params.get("q", "")[:_SEARCH_CHARS])

    async def take_back(self, request: Request) -> Response:
        """Undo a change by hand, or drop one that waits for review."""
        number = await number_of(request)
        try:
            await self._editing.entries.take_back(number)
        except AnswerdeskError as error:
            return await self._page(notice=str(error), status=409)
        return RedirectResponse("/console/knowledge#changes", 303)

    async def roll_back(self, request: Request) -> Response:
        """Publish an earlier release again."""
        number = await number_of(request)
        try:
            await self._editing.releases.rollback(number)
        except AnswerdeskError as error:
            return await self._page(notice=str(error), status=409)
        return RedirectResponse("/console/knowledge#releases", 303)

    async def _page(self, *, words: str = "", notice: str = "", status: int = 200) -> Response:
        try:
            entries = await self._editing.entries.find(words)
        except AnswerdeskError as error:
            entries, notice = [], notice or str(error)
        changes = await self._editing.entries.changes()
        shown = Shown(
            words=words,
            entries=entries[:_SHOWN],
            found=len(entries),
            waiting=[change for change in changes if change.state != "active"],
            live=[change for change in changes if change.state == "active"],
            releases=await self._releases.list(limit=20),
        )
        return self._pages.response("knowledge.html", status=status, shown=shown, notice=notice)
