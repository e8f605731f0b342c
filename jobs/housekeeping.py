"""What keeps the data folder small, and no customer's words for longer than agreed."""

import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from core.config import RetentionConfig
from core.wording import tr
from db.base import Database
from db.erasure import purge
from db.jobs import JobRepository
from db.snapshot import vacuum
from jobs.schedule import JobReport
from kb.releases.release import Releases

_DAY_S = 24 * 3600
_RUNS_KEPT_DAYS = 90
"""Reports of runs are kept for a season: long enough to compare with the same weekday."""


@dataclass(frozen=True)
class Housekeeping:
    """Prunes releases, job runs and conversations and gives the space back."""

    releases: Releases
    runs: JobRepository
    database: Database
    _: KW_ONLY
    keep_releases: int
    retention: RetentionConfig
    clock: Callable[[], float] = time.time

    async def job(self) -> JobReport:
        """Run on schedule."""
        pruned = await self.releases.prune(self.keep_releases)
        now, kept = self.clock(), self.retention
        await self.runs.forget(before=now - _RUNS_KEPT_DAYS * _DAY_S)
        days = {"telegram": kept.telegram_days, "api": kept.api_days, "": kept.web_days}
        since = {name: now - number * _DAY_S for name, number in days.items()}
        answers = await purge(self.database, since, audit=now - kept.audit_days * _DAY_S)
        await vacuum(self.database)
        return JobReport(
            tr(
                "%(pruned)s old releases forgotten, %(kept)s kept. %(answers)s old answers "
                "deleted.",
                pruned=pruned,
                kept=self.keep_releases,
                answers=answers,
            ),
            detail={"pruned": pruned, "kept": self.keep_releases, "answers": answers},
        )
