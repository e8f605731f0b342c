"""What keeps the data folder small, and no customer's words for longer than agreed."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field

from core.wording import tr
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


@dataclass(frozen=True)
class Housekeeping:
    """Prunes releases, job runs and conversations and gives the space back."""

    releases: Releases
    runs: JobRepository
    database: Database
    _: KW_ONLY
    keep_releases: int
    retention: Retention = Retention()
    clock: Callable[[], float] = time.time

    async def job(self) -> JobReport:
        """Run on schedule."""
        pruned = await self.releases.prune(self.keep_releases)
        now = self.clock()
        await self.runs.forget(before=now - _RUNS_KEPT_S)
        answers = await purge(
            self.database,
            {name: now - kept_s for name, kept_s in self.retention.answers.items()},
            audit=now - self.retention.audit,
        )
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
