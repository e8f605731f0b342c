"""Look at open questions again when another release is live: are some surely answered now?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.types import Answer
from core.wording import N_, ntr
from db.jobs import JobRepository
from jobs.schedule import JobReport
from kb.releases.open_questions import OpenQuestions

NAME = N_("open questions")
_LOOKED_AT = 100
"""Earlier runs, whose finds are not found again: an operator may have put them back."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """Takes off the inbox what is answered now. Customers are not written to.

    Each release is looked at once; an interrupted run is made up for, since what it took off stays
    off.
    """

    questions: OpenQuestions
    runs: JobRepository
    live: Callable[[], Awaitable[int]]
    answer: Callable[[str], Awaitable[Answer]]

    async def job(self) -> JobReport:
        """Run after a release."""
        live, runs = await self.live(), await self.runs.runs(NAME, limit=_LOOKED_AT)
        known = {number for run in runs for number in run.detail.get("found", ())}
        done = any(run.detail.get("release") == live for run in runs)
        found = [] if done else await self.questions.answered_by_now(self.answer, without=known)
        text = ntr(
            "%(num)s open question is surely answered now; the inbox has it under Set aside.",
            "%(num)s open questions are surely answered now; the inbox has them under Set aside.",
            len(found),
        )
        return JobReport(
            text, detail={"release": live, "found": [*known, *found], "tell": bool(found)}
        )
