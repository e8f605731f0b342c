"""The page that deletes a document, or a folder of them, after a preview."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, fields_of
from console.operator import Records
from console.pages import Pages
from console.report import answers_of
from console.upload_desk import UploadDesk
from console.work import Works
from core.types import IngestReport
from core.wording import tr
from db.knowledge import Document


@dataclass(kw_only=True)
class DocumentPages:
    """Endpoints of the page."""

    pages: Pages
    desk: UploadDesk
    records: Records

    def __post_init__(self) -> None:
        self._works: Works[IngestReport] = Works(self.desk.spawn)

    async def show(self, request: Request) -> Response:
        """Show what deleting a document removes, or the progress of its deletion.

        ``folder/*`` names all of a folder.
        """
        asked = request.query_params
        name, work, preview = (asked.get(key, "") for key in ("name", "work", "preview"))
        documents = await self._meant(name)
        if not work:
            if not documents:
                raise Refused(tr("There is no document %(name)r.", name=name))
            if not preview:
                return await self._begin(name, "preview", dry_run=True)
        state, error, report = self._works.look(work or preview)
        return self.pages.response(
            "document.html",
            name=name,
            sources={document.source for document in documents.values()},
            going=bool(work),
            state=state,
            error=error,
            report=report,
            **await answers_of(report, self.records.figures),
        )

    async def delete(self, request: Request) -> Response:
        """Begin to delete a document."""
        fields = await fields_of(request)
        request.state.about = fields["name"]
        return await self._begin(fields["name"], "work", anyway=bool(fields["anyway"]))

    async def _meant(self, name: str) -> Mapping[str, Document]:
        """Return the live documents that a name means."""
        live = await self.records.releases.live_number()
        documents = await self.records.releases.documents(live)
        if name in documents or not name.endswith("/*"):
            return {own: documents[own] for own in (name,) if own in documents}
        return {own: one for own, one in documents.items() if own.startswith(name[:-1])}

    async def _begin(
        self, name: str, key: str, *, dry_run: bool = False, anyway: bool = False
    ) -> Response:
        names = [*await self._meant(name)] or [name]
        work = self._works.begin(self.desk.remove(names, dry_run=dry_run, anyway=anyway))
        return RedirectResponse(f"/console/document?{urlencode({'name': name, key: work})}", 303)
