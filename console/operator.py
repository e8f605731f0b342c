"""The operators' first page: release, documents, sources, jobs."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from console.pages import Pages
from core.health import Health
from db.accounts import Accounts
from db.base import Database
from db.careful import CarefulStart
from db.conversations import Conversations
from db.drafts import Drafts
from db.figures import Figures
from db.handover import Handovers
from db.jobs import JobRepository
from db.keys import Keys
from db.knowledge import ReleaseRepository, SourceRepository
from db.operators import Audit, Operators
from db.question_vectors import QuestionVectors
from db.webhooks import Deliveries


class Records:
    """The repositories that the pages read and write."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        careful: CarefulStart,
        *,
        timezone: str = "UTC",
    ) -> None:
        self.conversations, self.careful = conversations, careful
        self.releases, self.sources = ReleaseRepository(database), SourceRepository(database)
        self.figures = Figures(database, timezone=timezone)
        self.vectors = QuestionVectors(database)
        self.handovers, self.drafts = Handovers(database), Drafts(database)
        self.accounts, self.operators = Accounts(database), Operators(database)
        self.audit = Audit(database)
        self.keys, self.deliveries = Keys(database), Deliveries(database)


@dataclass(frozen=True, kw_only=True)
class OperatorPages:
    """Endpoint of the first page."""

    pages: Pages
    records: Records
    health: Callable[[], Awaitable[Health]]
    jobs: JobRepository
    due: Callable[[], Mapping[str, float | None]]
    """Returns when each job runs next; see `console.mishaps.Watched`."""

    async def show(self, request: Request) -> Response:
        """Show release, documents, sources, scheduled work and how much waits."""
        runs, due = {run.job: run for run in await self.jobs.latest()}, self.due()
        releases = await self.records.releases.list(limit=10)
        release = releases[0] if releases else None
        documents = await self.records.releases.documents(release.number) if release else {}
        folders = Counter(name[: name.find("/") + 1] for name in documents)
        return self.pages.response(
            "console.html",
            health=await self.health(),
            release=release,
            releases=releases,
            documents=[documents[doc_id] for doc_id in sorted(documents)],
            folders=sorted(name for name, holds in folders.items() if name and holds > 1),
            sources=await self.records.sources.list(),
            open_questions=await self.records.conversations.count_open(),
            answers=await self.records.conversations.counts(),
            jobs=[(job, due.get(job), runs.get(job)) for job in dict.fromkeys([*due, *runs])],
        )
