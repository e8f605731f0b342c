"""What keeps the data folder small: old releases, reports of old runs, unused disk space."""

import time
from collections.abc import Callable

from db.base import Database
from db.jobs import JobRepository
from db.snapshot import vacuum
from jobs.schedule import JobReport
from kb.release import Releases

_RUNS_KEPT_S = 90 * 24 * 3600
"""Reports of runs are kept for a season: long enough to compare with the same weekday."""


class Housekeeping:
    """Prunes releases and job runs and gives the space back."""

    def __init__(
        self,
        releases: Releases,
        runs: JobRepository,
        database: Database,
        *,
        keep_releases: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._releases = releases
        self._runs = runs
        self._database = database
        self._keep_releases = keep_releases
        self._clock = clock

    async def job(self) -> JobReport:
        """Run on schedule."""
        pruned = await self._releases.prune(self._keep_releases)
        await self._runs.forget(before=self._clock() - _RUNS_KEPT_S)
        await vacuum(self._database)
        return JobReport(
            f"{pruned} old releases forgotten, {self._keep_releases} kept.",
            detail={"pruned": pruned, "kept": self._keep_releases},
        )
