"""Knowledge and releases through ``/api/v1``: by the same objects as the pages."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from operator import not_
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request

from console.form import Refused
from console.knowledge import Editing, literally
from console.openapi import Given, Operation, Reply
from console.operator import Records
from console.security_logins import current_person
from console.upload_desk import UploadDesk
from console.work import Works, WorkState
from core.types import ChunkKind, Finding
from db.curation import Curation, CurationKind, CurationState
from db.knowledge import Release
from db.uploads import Entry, UploadState
from kb.releases.open_questions import OpenQuestions
from kb.releases.release import ReleaseIsLive

ENTRY_BYTES = 256 * 1024

Limit = Annotated[int, Field(ge=1, le=100)]
Day = Annotated[str, Field(max_length=10)]


class Search(Given):
    """Which entries and passages."""

    words: str = Field("", max_length=200)
    """Only those that have each of these words."""
    document: str = Field("", max_length=1024)
    kind: Literal["", "faq", "passage"] = ""
    limit: Limit = 50


class Piece(Reply):
    """An entry or passage that is live."""

    id: str = Field(validation_alias="chunk_id")
    """Of its document, question and answer: an entry whose answer changed has another one."""
    document: str = Field(validation_alias="doc_id")
    kind: ChunkKind
    text: str
    """The passage; of an entry, its question."""
    answer: str
    variants: list[str]
    negatives: list[str]
    """Questions that it does not answer."""
    title: str
    location: str
    category: str
    language: str
    valid_from: str
    valid_until: str
    updated: str


class Pieces(Reply):
    """What a search found."""

    total: int
    entries: list[Piece] = Field(validation_alias="chunks")


class NewEntry(Given):
    """A question with its answer."""

    question: str = Field(min_length=1, max_length=400)
    answer: str = Field(min_length=1, max_length=20_000)


class ChangedAnswer(Reply):
    """Questions that would be answered differently, in one way."""

    question: str = Field("", exclude_if=not_)
    """Golden; what customers wrote is not kept with a proposal."""
    before: str
    """What came of it, in words."""
    after: str
    expected: str = Field("", exclude_if=not_)
    """What should come of a golden question."""
    asked: int = Field(0, exclude_if=not_)
    """How often customers asked lately."""
    questions: int
    """Different ones."""
    old_words: str
    """The answer itself, cut; empty where there was none."""
    new_words: str


class Proposal(Reply):
    """Something that would change the knowledge base, or did."""

    number: int
    state: UploadState
    """``preview``: it waits for a step."""
    error: str
    held: str
    """Why nothing was published."""
    concerns: list[str]
    """What speaks against storing it as it stands, and must be confirmed first."""
    findings: list[Finding]
    """What somebody should look at."""
    answers: list[ChangedAnswer]
    """Golden questions, and those that customers ask most."""
    release: int
    """That it became; 0: none."""


class Step(Given):
    """What to do with a proposal."""

    step: Literal["apply", "apply_anyway", "confirm", "discard", "undo"]
    """``confirm`` what speaks against it."""


class NewChange(Given):
    """A change to an entry; it outlives new versions of its file."""

    kind: CurationKind
    """``disabled`` switches it off; taking that change back switches it on."""
    text: str = Field("", max_length=20_000)
    """The variant, answer, negative example, note, translated answer or draft of one."""
    valid_from: Day = ""
    valid_until: Day = ""
    language: str = Field("", max_length=8)
    """Of a translation or a draft."""


class Change(Reply):
    """A change to an entry."""

    number: int = Field(validation_alias="curation_id")
    kind: CurationKind
    entry: str = Field(validation_alias="chunk_id")
    text: str
    valid_from: str
    valid_until: str
    language: str
    author: str
    created: datetime
    state: CurationState
    reason: str
    """Why it waits for review."""


class Changes(Reply):
    """Changes that were not taken back, oldest first."""

    changes: list[Change]


class Page(Given):
    """How much."""

    limit: Limit = 50


class PublishedRelease(Reply):
    """A published state of the knowledge base."""

    number: int
    created: datetime
    kind: str
    note: str
    documents: int
    chunks: int


class Work(Reply):
    """Something that was begun, and goes live while the program goes on."""

    id: str
    """For ``/api/v1/tasks/ID``, until the service is started again."""
    state: WorkState
    """``working``: ask again."""
    error: str = Field("", exclude_if=not_)
    """Why it failed, as a sentence."""
    change: Change | None = Field(None, exclude_if=not_)
    """Of an entry, once it is live."""
    release: PublishedRelease | None = Field(None, exclude_if=not_)
    """That went live by a rollback."""


class ReleaseList(Reply):
    """Releases, newest first; the first is live."""

    releases: list[PublishedRelease]


@dataclass(kw_only=True)
class Workbench:
    """Operations on knowledge and releases."""

    records: Records
    editing: Editing
    uploads: UploadDesk
    questions: OpenQuestions

    def __post_init__(self) -> None:
        self._works: Works[Curation | Release | int | None] = Works(self.uploads.spawn)

    def operations(self) -> list[Operation]:
        """Return what programs may do."""
        knowledge, proposal = "/api/v1/knowledge", "/api/v1/proposals/{number:int}"
        big = {"max_body_bytes": ENTRY_BYTES}
        return [
            Operation("GET", knowledge, "read", self.search),
            Operation("POST", knowledge, "write", self.add, status=202, **big),
            Operation("GET", f"{knowledge}/{{id}}", "read", self.one),
            Operation("POST", f"{knowledge}/{{id}}", "write", self.change, status=202, **big),
            Operation("GET", proposal, "read", self.proposal),
            Operation("POST", proposal, "write", self.step, status=202),
            Operation("GET", "/api/v1/changes", "read", self.changes),
            Operation(
                "DELETE", "/api/v1/changes/{number:int}", "write", self.take_back, status=202
            ),
            Operation("GET", "/api/v1/releases", "read", self.releases),
            Operation("POST", "/api/v1/releases/{number:int}", "write", self.roll_back, status=202),
            Operation("GET", "/api/v1/tasks/{id}", "read", self.work),
        ]

    async def search(self, request: Request, given: Search) -> Pieces:
        """Search entries and passages."""
        found = await self.editing.entries.search(
            given.words,
            documents=literally(given.document) or "*",
            kind=given.kind or None,
            most=given.limit,
        )
        return Pieces.model_validate(found)

    async def one(self, request: Request, given: None) -> Piece:
        """Return an entry or passage."""
        return Piece.model_validate(await self.editing.entries.one(request.path_params["id"]))

    async def add(self, request: Request, given: NewEntry) -> Proposal:
        """Propose an entry; it is checked meanwhile, and waits for a step."""
        question = " ".join(given.question.split())
        number = await self.uploads.propose(Entry(question, given.answer.strip()))
        return await self._proposal(number)

    async def proposal(self, request: Request, given: None) -> Proposal:
        """Return a proposal with what is known of it."""
        return await self._proposal(request.path_params["number"])

    async def step(self, request: Request, given: Step) -> Proposal:
        """Take the next step with a proposal, which goes on meanwhile."""
        number, desk = request.path_params["number"], self.uploads
        await self._proposal(number)  # refuses one that is not there
        match given.step:
            case "apply" | "apply_anyway":
                await desk.apply(number, anyway=given.step == "apply_anyway")
            case "confirm":
                await desk.confirm(number)
            case "discard":
                await desk.discard(number)
            case "undo":
                await desk.undo(number)
        return await self._proposal(number)

    async def change(self, request: Request, given: NewChange) -> Work:
        """Begin to change an entry, and publish that."""
        key, kind, entries = request.path_params["id"], given.kind, self.editing.entries
        changed = given.model_dump(exclude={"kind"})
        await entries.check(key, kind, **changed)
        author = current_person.get().author
        return self._begin(entries.change(key, kind, author=author, **changed))

    async def changes(self, request: Request, given: None) -> Changes:
        """List changes to entries that are live or wait for review."""
        found: list[Curation] = await self.editing.entries.curations.open()
        return Changes(changes=[Change.model_validate(one) for one in found])

    async def take_back(self, request: Request, given: None) -> Work:
        """Begin to take a change back; questions that it answered are open again then."""
        number = request.path_params["number"]
        await self.editing.entries.curations.get(number)
        return self._begin(self.questions.unlink(number))

    async def releases(self, request: Request, given: Page) -> ReleaseList:
        """List releases."""
        found = await self.records.releases.list(limit=given.limit)
        return ReleaseList(releases=[PublishedRelease.model_validate(one) for one in found])

    async def roll_back(self, request: Request, given: None) -> Work:
        """Begin to publish the content of an earlier release again, as a new release."""
        number = request.path_params["number"]
        await self.records.releases.get(number)
        if number == await self.records.releases.live_number():
            raise ReleaseIsLive(number)
        return self._begin(self.editing.releases.rollback(number))

    async def work(self, request: Request, given: None) -> Work:
        """Return how something stands that was begun."""
        return self._work(request.path_params["id"])

    def _begin(self, work: Coroutine[Any, Any, Curation | Release | int | None]) -> Work:
        return self._work(self._works.begin(work))

    def _work(self, work_id: str) -> Work:
        state, error, made = self._works.look(work_id)
        return Work(
            id=work_id,
            state=state,
            error=error,
            change=Change.model_validate(made) if isinstance(made, Curation) else None,
            release=PublishedRelease.model_validate(made) if isinstance(made, Release) else None,
        )

    async def _proposal(self, number: int) -> Proposal:
        seen = await self.uploads.seen(number)
        if seen is None:
            raise Refused(f"There is no proposal {number}, or it is too old.")
        report = seen.outcome.report
        return Proposal(
            number=number,
            state=seen.upload.state,
            error=seen.outcome.error,
            held=report.held if report else "",
            concerns=list(seen.concerns),
            findings=list(report.findings) if report else [],
            answers=[
                ChangedAnswer.model_validate(one)
                for one in ((*report.golden, *report.answers) if report else ())
            ],
            release=seen.upload.after,
        )
