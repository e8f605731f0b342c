"""Tell the team's group once a week how the bot did, in ten lines without customers' words."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from core.errors import AnswerdeskError
from core.shown import short
from core.wording import tr
from db.conversations import Conversations
from db.figures import Figures, Which
from db.operators import Team
from jobs.schedule import JobReport
from kb.review.most_asked import Named, rising

logger = logging.getLogger(__name__)

NAME = "weekly report"
_WEEK_S = 7 * 24 * 3600
_TEXTS: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").read_text("utf-8")
)
_COUNTED: Mapping[str, Mapping[str, Any]] = {
    "questions": {},
    "resolved": {"resolved": "once"},
    "refused": {"outcome": "refused"},
    "person": {"outcome": "handed_over"},
    "helped": {"feedback": "yes"},
    "unhelped": {"feedback": "no"},
}
_RISING = 3
_NAME_CHARS = 60


@dataclass(frozen=True)
class WeeklyReport:
    """Counts a week, where a team's group is set."""

    figures: Figures
    conversations: Conversations
    team: Team
    named: Named
    _: KW_ONLY
    company: str
    language: str
    """The company's; English where there is no text in it."""
    address: str = ""
    """Of the console; empty: nothing leads there."""
    clock: Callable[[], float] = time.time

    async def job(self) -> JobReport:
        """Run on schedule."""
        if not await self.team.group():
            return JobReport(tr("The team has no group in Telegram, so nothing was sent."))
        now = self.clock()
        week = partial(Which, since=now - _WEEK_S)
        week_before = partial(Which, since=now - 2 * _WEEK_S, until=now - _WEEK_S)
        counts: dict[str, int] = {}
        for name, kind in _COUNTED.items():
            counts[name] = await self.figures.count(week(**kind))
            counts[f"{name}_before"] = await self.figures.count(week_before(**kind))
        share, share_before = (
            round(100 * counts[f"resolved{when}"] / (counts[f"questions{when}"] or 1))
            for when in ("", "_before")
        )
        texts = _TEXTS.get(self.language, _TEXTS["en"])
        rising = await self._rising(now)
        text = texts["report"].format(
            company=self.company,
            percent=share,
            points=_signed(share - share_before),
            open=await self.conversations.count_open(),
            rising=" · ".join(f"“{name}” {_signed(by)}" for name, by in rising) or texts["none"],
            console=f"{self.address.rstrip('/')}/console/figures?days=7"
            if self.address
            else texts["console"],
            **{name: counts[name] for name in _COUNTED},
            **{f"more_{n}": _signed(counts[n] - counts[f"{n}_before"]) for n in _COUNTED},
        )
        return JobReport(text, detail={"tell": text})

    async def _rising(self, now: float) -> list[tuple[str, int]]:
        """Name the entries and documents that were given more often than in the week before."""
        cited = self.conversations.cited
        try:
            found = await rising(cited, self.named, since=now - _WEEK_S, now=now, most=_RISING)
        except AnswerdeskError as error:
            logger.warning("What is asked more often cannot be named: %s", error)
            return []
        return [(short(name, _NAME_CHARS), by) for _, name, by in found]


def _signed(number: int) -> str:
    return f"{number:+d}".replace("-", "−") if number else "±0"
