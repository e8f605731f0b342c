"""A desk that answers from a script, and a clock that runs faster."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.transport.shutdown import Shutdown
from core.types import Answer, AnswerEvent, Source, Turn

RETURNS = Source(
    chunk_id="c1",
    document="returns.md",
    title="Returns policy",
    location="page 3",
    quote="You may return any item within 30 days.",
    score=0.91,
    updated="2026-10-01",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as the desk received it."""

    text: str
    chat: str
    language_code: str


class ScriptedDesk:
    """Says ``echo: …`` to everything that `answers` does not have."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Exception] = {}
        self.events: dict[str, Sequence[AnswerEvent]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        """Questions that wait until the test opens their gate."""
        self.between: Callable[[], None] = lambda: None
        """Called between the events of an answer, where a model takes time to write."""
        self.asked: list[Asked] = []
        self.started: asyncio.Queue[str] = asyncio.Queue()
        self.most_at_once = 0
        self._at_once = 0
        self.judged: list[tuple[int, bool, str]] = []
        self.given: dict[int, str] = {}
        self.chosen: list[int] = []
        """Answers of which a customer took one of the choices."""

    async def ask(
        self,
        text: str,
        *,
        chat: str,
        channel: str,
        language_code: str = "",
        history: Sequence[Turn] | None = None,
        on_event: Callable[[AnswerEvent], Awaitable[None]] | None = None,
    ) -> Answer:
        assert channel == "telegram"
        self.asked.append(Asked(text, chat, language_code))
        self.started.put_nowait(text)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._answer(text, language_code, on_event)
        finally:
            self._at_once -= 1

    async def _answer(
        self,
        text: str,
        language_code: str,
        on_event: Callable[[AnswerEvent], Awaitable[None]] | None,
    ) -> Answer:
        await asyncio.sleep(0)
        for event in self.events.get(text, ()):
            assert on_event is not None
            await on_event(event)
            self.between()
        if text in self.gates:
            await self.gates[text].wait()
        answer = self.answers.get(text)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            answer = Answer("faq", f"echo: {text}", language_code or "en")
        return replace(answer, answer_id=len(self.asked)) if not answer.answer_id else answer

    async def give_feedback(self, answer_id: int, *, helpful: bool, reason: str = "") -> bool:
        self.judged.append((answer_id, helpful, reason))
        return True

    async def said(self, answer: Answer) -> None:
        self.given[answer.answer_id] = answer.text

    async def taken(self, answer_id: int) -> None:
        self.chosen.append(answer_id)

    async def turns(self, chat: str, *, limit: int) -> Sequence[Turn]:
        return [Turn(a.text, f"echo: {a.text}") for a in self.asked if a.chat == chat]

    async def forget(self, chat: str) -> int:
        self.asked = [a for a in self.asked if a.chat != chat]
        return 0

    def knows(self, question: str, text: str, *, kind: str = "faq", **fields: object) -> None:
        """Let a question have an answer with a source."""
        answer = Answer(kind, text, "en", sources=(RETURNS,), confidence=0.9)  # type: ignore[arg-type]
        self.answers[question] = replace(answer, **fields)  # type: ignore[arg-type]


class QuickShutdown(Shutdown):
    """Runs all waiting of the bot many times faster; what is spaced stays spaced."""

    def __init__(self, speed: float = 200.0) -> None:
        super().__init__()
        self._speed = speed
        self.slept: list[float] = []
        """Seconds that the bot wanted to wait, in order."""

    def now(self) -> float:
        return super().now() * self._speed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds / self._speed)
