"""The page of contradictions and duplicates: check everything live, keep pairs, merge them."""

import asyncio
from dataclasses import dataclass

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import fields_of
from console.pages import Pages
from console.security_logins import current_person
from console.upload_desk import UploadDesk
from core.errors import AnswerdeskError
from core.types import Chunk, Finding
from core.wording import tr
from kb.releases.entries import Entries
from kb.review.finding_text import FINDINGS
from kb.review.findings import Found, gravest

_HERE = "/console/contradictions"
_SHOWN = 50
_ID_CHARS = 32
_FOUND = TypeAdapter(list[Found])


@dataclass(kw_only=True)
class ContradictionPages:
    """Endpoints of the page."""

    pages: Pages
    desk: UploadDesk
    entries: Entries

    def __post_init__(self) -> None:
        self._work: asyncio.Task[None] | None = None
        self._compared = (0, 0)

    async def show(self, request: Request) -> Response:
        """Show the result, or the progress."""
        return await self._page(
            left=bool(request.query_params.get("left")), undo=request.query_params.get("undo", "")
        )

    async def begin(self, request: Request) -> Response:
        """Begin to look through everything, unless that is under way."""
        if self._work is None or self._work.done():
            self._compared = (0, 0)
            self._work = self.desk.spawn(self._look())
        return RedirectResponse(_HERE, 303)

    async def _look(self) -> None:
        live = await self._live()
        found = await self.entries.audit(self._on_compared)
        await self.entries.curations.keep_look(live, _FOUND.dump_python(found, mode="json"))

    async def _live(self) -> int:
        return await self.entries.ingestor.publisher.releases.live_number()

    async def stop(self, request: Request) -> Response:
        """Stop looking."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
        return RedirectResponse(_HERE, 303)

    async def leave(self, request: Request) -> Response:
        """Leave two texts as they are from now on, or look at them again."""
        fields = await fields_of(request)
        pair, settled = {fields[side][:_ID_CHARS] for side in ("one", "other")}, not fields["again"]
        if len(pair) == 2:
            await self.entries.curations.settle_pair(pair, settled=settled)
        return RedirectResponse(_HERE if settled else f"{_HERE}?left=yes", 303)

    async def merge(self, request: Request) -> Response:
        """Keep one of two entries, with the wordings of both."""
        fields = await fields_of(request)
        pair, kept = [fields["one"], fields["other"]], fields["keep"]
        try:
            gone = next((one for one in pair if one != kept), kept)
            author = current_person.get().author
            made = await self.entries.merge(gone, kept, author=author)
        except AnswerdeskError as error:
            return await self._page(notice=str(error), status=409)
        return RedirectResponse(f"{_HERE}?undo={made}", 303)

    def _on_compared(self, done: int, total: int) -> None:
        self._compared = done, total

    async def _page(
        self, *, left: bool = False, undo: str = "", notice: str = "", status: int = 200
    ) -> Response:
        work, total, stale = self._work, 0, 0
        found: list[tuple[Finding, list[tuple[Chunk, str]]]] = []
        working = work is not None and not work.done()
        look = await self.entries.curations.last_look()
        try:
            if work is not None and not working and not work.cancelled():
                work.result()
            if look is not None and not working:
                found, total = await self._found(_FOUND.validate_python(look.found), left=left)
            stale = (await self.entries.search(stale=True, most=0)).total
        except AnswerdeskError as error:
            notice = notice or tr("The check failed: %(reason)s", reason=error)
        return self.pages.response(
            "contradictions.html",
            status=status,
            notice=notice,
            working=working,
            looked=look is not None,
            compared=self._compared,
            overtaken=look is not None and look.release != await self._live(),
            found=found,
            total=total,
            left=left,
            undo=undo,
            names=FINDINGS,
            stale=stale,
        )

    async def _found(
        self, found: list[Found], *, left: bool
    ) -> tuple[list[tuple[Finding, list[tuple[Chunk, str]]]], int]:
        """Return the first pairs of which both are live, each with its sentence or answer, and how
        many there are."""
        settled = await self.entries.curations.settled_pairs()
        wanted = gravest(
            (near, one)
            for near, one in found
            if ({one.chunk_id, one.other_chunk_id} in settled) == left
        )
        ids = {key for one in wanted for key in (one.chunk_id, one.other_chunk_id)}
        live = {chunk.chunk_id: chunk for chunk in await self.entries.named([*ids])}
        pairs = []
        for one in wanted:
            sides = [(one.chunk_id, one.text), (one.other_chunk_id, one.other_text)]
            chunks = [(live[key], sentence) for key, sentence in sides if key in live]
            if len(chunks) == len(sides):
                shown = [(c, t if one.kind == "figure" else c.answer or c.text) for c, t in chunks]
                pairs.append((one, shown))
        return pairs[:_SHOWN], len(pairs)
