"""A desk that answers from a script, and a served console."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from console.settings import Change, Setting
from console.upload_desk import PreviewClosed, Seen
from core.errors import ConversationErased, ReleaseNotFound
from core.types import (
    Answer,
    AnswerEvent,
    Choice,
    Chunk,
    ChunkKind,
    IngestReport,
    Sentence,
    Source,
    TokenUsage,
    Turn,
    Waiting,
)
from db.curation import Curation, CurationKind, CurationNotFound
from db.knowledge import Release
from db.uploads import Entry, Upload
from kb.index.view import Found as Searched
from kb.releases.entries import EntryNotFound
from kb.review.findings import Found

T = TypeVar("T")

FAQ_QUESTION = "Can I try a bike before I buy it?"
DOCUMENT_QUESTION = "How do I store the e-bike battery over the winter?"
UNKNOWN_QUESTION = "Do you sell inflatable kayaks?"
HEDGED_QUESTION = "the battery"
BREAKING_QUESTION = "break"
ERASED_QUESTION = "erase meanwhile"
PERSON_QUESTION = "A person, please"

_CARE = (
    "Take the battery out and keep it in a dry room at 10 to 20 °C.",
    "Charge it to between 30 and 60 percent before you put it away, and top it up every three "
    "months.",
)

ANSWERS = {
    FAQ_QUESTION: Answer(
        "faq",
        "Yes. A test ride is **free** and lasts 45 minutes. Please bring a photo ID. For the "
        "Heron e-bike, book at least one day ahead.",
        "en",
        confidence=0.972,
        sources=(
            Source(
                "c1",
                "faq.csv",
                "Can I test ride a bike before I buy it?",
                "row 3",
                "Yes. A test ride is free and lasts 45 minutes.",
                0.93,
                "2026-11-02",
            ),
        ),
        release=3,
        timings_ms={"embed": 14.2, "search": 9.1, "decide": 1.2, "total": 24.9},
    ),
    DOCUMENT_QUESTION: Answer(
        "composed",
        " ".join(_CARE),
        "en",
        confidence=0.88,
        sources=(
            Source(
                "c2",
                "documents/care-guide.html",
                "Care guide › E-bikes › Storing the battery in winter",
                "section 6",
                "\n".join(_CARE),
                0.87,
                "2026-11-02",
            ),
        ),
        release=3,
        timings_ms={"embed": 15.0, "search": 11.0, "generate": 1840.4, "total": 1872.0},
        tokens=TokenUsage(prompt=212, cached=180, generated=41),
    ),
    UNKNOWN_QUESTION: Answer(
        "unknown",
        "I do not know that. Shall I ask a person?",
        "en",
        confidence=0.06,
        release=3,
        timings_ms={"total": 31.0},
    ),
    HEDGED_QUESTION: Answer(
        "faq",
        "This may be what you are looking for:\n\nAll our batteries last 80 km.",
        "en",
        confidence=0.48,
        hedged=True,
        choices=(Choice("c3", "How long does it take to charge?"), Choice("c1", FAQ_QUESTION)),
        release=3,
        timings_ms={"total": 31.0},
    ),
    PERSON_QUESTION: Answer(
        "smalltalk", "A person will reply to you here.", "en", 1.0, intent="person"
    ),
}
EVENTS: dict[str, tuple[AnswerEvent, ...]] = {
    DOCUMENT_QUESTION: (Waiting(4.2), Sentence(_CARE[0]), Sentence(_CARE[1])),
}


@dataclass(frozen=True, slots=True)
class Call:
    """How the desk was asked."""

    text: str
    chat: str
    channel: str
    language_code: str
    asker: str
    history: Sequence[Turn] = ()


@dataclass(slots=True)
class ScriptedDesk:
    """Answers what it knows; everything else is unknown."""

    calls: list[Call] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    """If set, awaited between the events and the answer."""
    _loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def closed_gate(self) -> Iterator[None]:
        """Hold back answers, from any thread, until the context ends."""
        self.gate = asyncio.Event()
        try:
            yield
        finally:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.gate.set)

    async def ask(
        self,
        text: str,
        *,
        chat: str,
        channel: str,
        language_code: str = "",
        history: Sequence[Turn] | None = None,
        on_event: Callable[[AnswerEvent], Awaitable[None]] | None = None,
        asker: str = "",
    ) -> Answer:
        self._loop = asyncio.get_running_loop()
        self.calls.append(Call(text, chat, channel, language_code, asker, history or ()))
        if text == BREAKING_QUESTION:
            raise RuntimeError("secret detail of the inside")
        if text == ERASED_QUESTION:
            raise ConversationErased
        for event in EVENTS.get(text, ()):
            if on_event is not None:
                await on_event(event)
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        answer = ANSWERS.get(text, ANSWERS[UNKNOWN_QUESTION])
        return replace(answer, answer_id=len(self.calls))

    async def forget(self, chat: str) -> int:
        self.forgotten.append(chat)
        return 0


class NoEntries:
    """An empty knowledge base."""

    settings: Mapping[str, object] = {}
    """That a test bench may try with other values."""

    async def audit(self, on_compared: object) -> list[Found]:
        return []

    async def merge(self, key: str, into: str, *, author: str = "") -> list[int]:
        raise EntryNotFound(key)

    async def search(
        self,
        words: str = "",
        *,
        documents: str = "*",
        kind: ChunkKind | None = None,
        most: int | None = None,
        without: Collection[str] = (),
        stale: bool = False,
    ) -> Searched:
        return Searched((), 0)

    async def one(self, chunk_id: str) -> Chunk:
        raise EntryNotFound(chunk_id)

    async def named(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        return []

    async def history(self, entry: Chunk) -> list[Curation]:
        return []

    async def check(self, key: str, kind: CurationKind, **_: str) -> None:
        raise EntryNotFound(key)

    async def change(self, key: str, kind: CurationKind, **_: str) -> Curation:
        raise EntryNotFound(key)

    async def one_change(self, number: int) -> Curation:
        raise CurationNotFound(number)

    async def changes(self) -> list[Curation]:
        return []

    async def entry(self, chunk_id: str) -> Chunk:
        raise EntryNotFound(chunk_id)

    async def link(self, chunk_id: str, question: str, *, author: str) -> int:
        raise EntryNotFound(chunk_id)

    async def unlink(self, *numbers: int) -> None:
        raise CurationNotFound(numbers[0])

    async def rollback(self, number: int) -> Release:
        raise ReleaseNotFound(number, 0)


class NoSettings:
    """Settings of which none was changed."""

    async def show(self, names: Sequence[str]) -> tuple[list[Setting], bool]:
        return [Setting(name, "") for name in names], True

    async def change(self, texts: Mapping[str, str]) -> list[Change]:
        return []

    async def restart(self) -> None:
        pass


class NoUploads:
    """A desk to which nobody has sent a file."""

    async def latest(self, *, limit: int) -> list[Upload]:
        return []

    async def seen(self, number: int) -> Seen | None:
        return None

    async def remove(self, name: str, **_: object) -> IngestReport:
        return IngestReport(0, (), embedded=0, seconds=0)

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return asyncio.create_task(work)

    async def propose(self, entry: Entry, *, customer: int = 0) -> int:
        return 0

    async def change(self, number: int, *, question: str, answer: str) -> None:
        raise PreviewClosed(None)

    async def confirm(self, number: int) -> None:
        raise PreviewClosed(None)

    async def check_again(self, number: int, *, columns: str) -> None:
        raise PreviewClosed(None)

    async def apply(self, number: int, *, anyway: bool = False) -> None:
        raise PreviewClosed(None)

    async def discard(self, number: int) -> None:
        raise PreviewClosed(None)

    async def undo(self, number: int) -> int:
        raise PreviewClosed(None)
