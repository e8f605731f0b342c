"""Tell the team's group once a week how the bot did, in five lines without customers' words."""

import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path

import yaml

from db.conversations import Conversations
from db.figures import Figures, Which
from db.operators import Team
from jobs.schedule import JobReport

NAME = "weekly report"
_WEEK_S = 7 * 24 * 3600
_TEXTS: dict[str, str] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))


@dataclass(frozen=True)
class WeeklyReport:
    """Counts a week, where a team's group is set."""

    figures: Figures
    conversations: Conversations
    team: Team
    _: KW_ONLY
    company: str
    language: str
    """The company's; English where there is no text in it."""
    clock: Callable[[], float] = time.time

    async def job(self) -> JobReport:
        """Run on schedule."""
        if not await self.team.group():
            return JobReport("The team has no group in Telegram, so nothing was sent.")
        now, count = self.clock(), self.figures.count
        week = partial(Which, since=now - _WEEK_S)
        questions, resolved = await count(week()), await count(week(resolved="once"))
        text = _TEXTS.get(self.language, _TEXTS["en"]).format(
            company=self.company,
            questions=questions,
            before=await count(Which(since=now - 2 * _WEEK_S, until=now - _WEEK_S)),
            resolved=resolved,
            percent=round(100 * resolved / (questions or 1)),
            refused=await count(week(outcome="refused")),
            person=await count(week(outcome="handed_over")),
            helped=await count(week(feedback="yes")),
            unhelped=await count(week(feedback="no")),
            open=await self.conversations.count_open(),
        )
        return JobReport(text, detail={"tell": text})
