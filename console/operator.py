"""The operators' first page: what the service knows and does not know."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from console.pages import Pages
from core.health import Health
from db.careful import CarefulStart
from db.conversations import Conversations
from db.drafts import Drafts
from db.figures import Figures
from db.jobs import JobRepository, JobRun
from db.knowledge import Document, Release, ReleaseRepository, SourceRepository, SourceState


@dataclass(frozen=True, slots=True)
class Records:
    """The repositories that the operators' page reads."""

    releases: ReleaseRepository
    sources: SourceRepository
    conversations: Conversations
    figures: Figures
    drafts: Drafts
    careful: CarefulStart
    jobs: JobRepository | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the operators' page shows."""

    health: Health
    release: Release | None
    releases: Sequence[Release]
    documents: Sequence[Document]
    sources: Sequence[SourceState]
    open_questions: int
    answers: dict[str, int]
    runs: Sequence[JobRun]


class OperatorPages:
    """Endpoint of the first page."""

    def __init__(
        self,
        *,
        pages: Pages,
        records: Records,
        health: Callable[[], Awaitable[Health]],
    ) -> None:
        self._pages = pages
        self._records = records
        self._health = health

    async def show(self, request: Request) -> Response:
        """Show release, documents, sources, job runs and how much waits."""
        return self._pages.response("console.html", overview=await self._overview())

    async def _overview(self) -> Overview:
        releases = await self._records.releases.list(limit=10)
        release = releases[0] if releases else None
        documents = await self._records.releases.documents(release.number) if release else {}
        return Overview(
            health=await self._health(),
            release=release,
            releases=releases,
            documents=[documents[doc_id] for doc_id in sorted(documents)],
            sources=await self._records.sources.list(),
            open_questions=await self._records.conversations.count_open(),
            answers=await self._records.conversations.counts(),
            runs=await self._records.jobs.runs(limit=10) if self._records.jobs else (),
        )
