"""Look at open questions again when another release is live: are some surely answered now?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.types import Answer
from core.wording import N_, ntr
from db.jobs import JobRepository
from db.knowledge import Release
from jobs.schedule import JobReport
from kb.releases.open_questions import OpenQuestions

NAME = N_("open questions")
_LOOKED_AT = 100
"""Earlier runs; what the last has as found is not found again: an operator may have put it back."""

_TAKEN_OFF = 500
"""Questions that are open again after a release from before, the newest."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """Takes off the inbox what is answered now. Customers are not written to.

    Each release is looked at once; an interrupted run is made up for, since what it took off stays
    off. What was taken off before an earlier release came back is open again, unless that release
    answers it too.
    """

    questions: OpenQuestions
    runs: JobRepository
    live: Callable[[], Awaitable[Release | None]]
    answer: Callable[[str], Awaitable[Answer]]

    async def job(self) -> JobReport:
        """Run after a release."""
        release, runs = await self.live(), await self.runs.runs(NAME, limit=_LOOKED_AT)
        live = release.number if release else 0
        known = set(next((run.detail["found"] for run in runs if "found" in run.detail), ()))
        done = any(run.detail.get("release") == live for run in runs)
        if release and release.kind == "rollback" and not done:
            taken_off = await self.questions.settled("found", most=_TAKEN_OFF)
            again = [question.open_id for question in taken_off]
            await self.questions.reopen(again)
            known -= {*again}
        found = [] if done else await self.questions.answered_by_now(self.answer, without=known)
        text = ntr(
            "%(num)s open question is surely answered now; the inbox has it under Set aside.",
            "%(num)s open questions are surely answered now; the inbox has them under Set aside.",
            len(found),
        )
        return JobReport(
            text, detail={"release": live, "found": [*known, *found], "tell": bool(found)}
        )
