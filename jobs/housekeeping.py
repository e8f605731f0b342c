"""What keeps the data folder small, and no customer's words for longer than agreed."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from db.base import Database
from db.erasure import purge
from db.jobs import JobRepository
from db.snapshot import vacuum
from jobs.schedule import JobReport
from kb.releases.release import Releases

_RUNS_KEPT_S = 90 * 24 * 3600
"""Reports of runs are kept for a season: long enough to compare with the same weekday."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long personal data is kept, in seconds."""

    answers: Mapping[str, float] = field(default_factory=dict)
    """By the beginning of chats' names; under the empty name, of all others."""
    audit: float = math.inf
    """What operators did."""


class Housekeeping:
    """Prunes releases, job runs and conversations and gives the space back."""

    def __init__(
        self,
        releases: Releases,
        runs: JobRepository,
        database: Database,
        *,
        keep_releases: int,
        retention: Retention | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._releases = releases
        self._runs = runs
        self._database = database
        self._keep_releases = keep_releases
        self._retention = retention or Retention()
        self._clock = clock

    async def job(self) -> JobReport:
        """Run on schedule."""
        pruned = await self._releases.prune(self._keep_releases)
        now = self._clock()
        await self._runs.forget(before=now - _RUNS_KEPT_S)
        answers = await purge(
            self._database,
            {name: now - kept_s for name, kept_s in self._retention.answers.items()},
            audit=now - self._retention.audit,
        )
        await vacuum(self._database)
        return JobReport(
            f"{pruned} old releases forgotten, {self._keep_releases} kept. {answers} old answers "
            "deleted.",
            detail={"pruned": pruned, "kept": self._keep_releases, "answers": answers},
        )
