"""The test bench: a question, every step to its reply, and the reply as each channel shows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from console.form import fields_of, read_number
from console.labels import Labels
from console.pages import Pages
from console.security_logins import current_person
from console.view import show_answer
from core.errors import AnswerdeskError
from core.types import Answer, Turn
from core.wording import tr
from db.knowledge import ReleaseRepository
from kb.answering.texts import TEXT_LANGUAGES
from kb.review.gate import expectation
from kb.review.trace import Trace, Tracer

_RELEASES = 50
"""Releases offered for a comparison."""
_COMPARED = 5
"""Candidates shown beside those of another release."""
_TURNS = 6
"""Earlier questions and answers taken from the form."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message as a messenger shows it."""

    text: str
    buttons: Sequence[Sequence[str]] = ()
    """Labels, row by row."""


AsMessages = Callable[[Answer], Sequence[ChatMessage]]
"""Returns an answer as Telegram shows it."""


@dataclass(frozen=True, kw_only=True)
class BenchPages:
    """Endpoints of the test bench."""

    pages: Pages
    tracer: Tracer
    as_messages: AsMessages
    releases: ReleaseRepository

    async def show(self, request: Request) -> Response:
        """Show the empty form."""
        return await self._page()

    async def ask(self, request: Request) -> Response:
        """Ask the question of the form and show what led to the reply."""
        fields = await fields_of(request)
        question = " ".join(fields["question"].split())
        if not question:
            return await self._page(notice=tr("Write a question first."), status=400)
        asking = partial(
            self.tracer.trace,
            question,
            language_code=fields["language"],
            history=_turns(fields["history"]),
        )
        release, setting, value = read_number(fields["release"]), fields["setting"], fields["value"]
        if setting not in self.tracer.settings:
            setting = ""
        trace, compared, notice, status = None, None, "", 200
        try:
            trace = await asking()
            if release or setting:
                compared = await asking(release=release, setting=setting, value=value.strip())
        except AnswerdeskError as error:
            notice, status = str(error), 409 if trace else 503
        return await self._page(
            question,
            language=fields["language"],
            history=fields["history"],
            trace=trace,
            release=release,
            setting=setting,
            value=value,
            compared=compared,
            notice=notice,
            status=status,
        )

    async def keep(self, request: Request) -> Response:
        """Make the question golden."""
        question = " ".join((await fields_of(request))["question"].split())
        if not question:
            return await self._page(notice=tr("Write a question first."), status=400)
        try:
            golden = await self.tracer.keep(question, author=current_person.get().author)
        except AnswerdeskError as error:
            return await self._page(question, notice=str(error), status=409)
        return await self._page(
            question, kept=tr("Golden now: it is to be %(what)s.", what=expectation(golden))
        )

    async def _page(
        self,
        question: str = "",
        *,
        language: str = "",
        history: str = "",
        trace: Trace | None = None,
        release: int = 0,
        setting: str = "",
        value: str = "",
        compared: Trace | None = None,
        notice: str = "",
        kept: str = "",
        status: int = 200,
    ) -> Response:
        answer = trace.answer if trace else None
        labels = Labels(answer.language if answer else "en")
        return self.pages.response(
            "bench.html",
            status=status,
            question=question,
            language=language,
            languages=TEXT_LANGUAGES,
            history=history,
            trace=trace,
            release=release,
            setting=setting,
            value=value,
            settings=self.tracer.settings,
            compared=compared,
            releases=await self.releases.list(limit=_RELEASES),
            most=_COMPARED,
            answer=show_answer(answer, labels) if answer else None,
            messages=self.as_messages(answer) if answer else (),
            labels=labels,
            notice=notice,
            kept=kept,
        )


def _turns(text: str) -> list[Turn]:
    """Return the turns of lines that alternate between customer and answer."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][-2 * _TURNS :]
    if len(lines) % 2:
        lines.append("")
    return [Turn(*pair) for pair in zip(lines[::2], lines[1::2], strict=True)]
