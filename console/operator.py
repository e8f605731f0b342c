"""The operators' pages: logging in, and what the service knows and does not know."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.pages import Pages
from console.security import Logins, TooManyFailures, client_address
from core.health import Health
from db.careful import CarefulStart
from db.conversations import Conversations
from db.drafts import Drafts
from db.figures import Figures
from db.jobs import JobRepository, JobRun
from db.knowledge import Document, Release, ReleaseRepository, SourceRepository, SourceState

COOKIE = "answerdesk_operator"
_NEXT_PAGES = (
    "/console",
    "/",
    "/console/knowledge",
    "/console/uploads",
    "/console/questions",
    "/console/conversations",
    "/console/bench",
    "/console/figures",
    "/console/mishaps",
    "/console/programs",
    "/api/v1/docs",
)


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
    """Endpoints of the operators' part."""

    def __init__(
        self,
        *,
        pages: Pages,
        logins: Logins,
        records: Records,
        health: Callable[[], Awaitable[Health]],
    ) -> None:
        self._pages = pages
        self._logins = logins
        self._records = records
        self._health = health

    async def show(self, request: Request) -> Response:
        """Show release, documents, sources, job runs and how much waits."""
        return self._pages.response("console.html", overview=await self._overview())

    async def login_form(self, request: Request) -> Response:
        """Ask for the password."""
        return self._form(_next(request.query_params.get("next", "")))

    async def log_in(self, request: Request) -> Response:
        """Check the password and remember the browser under a new token."""
        async with request.form(max_files=0, max_fields=4) as form:
            password = str(form.get("password", ""))
            target = _next(str(form.get("next", "")))
        try:
            token = self._logins.log_in(password, client=client_address(request))
        except TooManyFailures as error:
            return self._form(target, notice=str(error), status=429)
        if token is None:
            return self._form(target, notice="This password is not right.", status=401)
        response = RedirectResponse(target, 303)
        response.set_cookie(
            COOKIE,
            token,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def log_out(self, request: Request) -> Response:
        """Make the browser's token worthless."""
        self._logins.log_out(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, samesite="strict", httponly=True)
        return response

    def _form(self, target: str, *, notice: str = "", status: int = 200) -> Response:
        return self._pages.response("login.html", status=status, notice=notice, target=target)

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


def _next(wanted: str) -> str:
    return wanted if wanted in _NEXT_PAGES else _NEXT_PAGES[0]
