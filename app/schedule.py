"""Which work is done when."""

from functools import partial

from app.wiring import Knowledge
from db.jobs import JobRepository
from jobs.refresh import Folder, Refresh
from jobs.schedule import Job, JobReport, Scheduler

_MAINTENANCE_CRON = "30 4 * * *"


def make_refresh(knowledge: Knowledge) -> Refresh:
    """Return what reads the configured sources again."""
    config = knowledge.config.refresh
    return Refresh(
        knowledge.ingestor,
        knowledge.release_rows,
        knowledge.source_rows,
        [Folder(source.path, source.patterns) for source in config.sources],
        max_removed_share=config.max_removed_share,
    )


def make_scheduler(knowledge: Knowledge) -> Scheduler:
    """Return the scheduler with all jobs of the service."""
    config = knowledge.config.refresh
    jobs = [
        Job(
            "refresh",
            make_refresh(knowledge).job,
            cron=config.cron if config.sources else "",
            timezone=config.timezone,
            deadline_s=config.deadline_s,
        ),
        Job("maintenance", partial(_maintain, knowledge), cron=_MAINTENANCE_CRON),
    ]
    return Scheduler(jobs, JobRepository(knowledge.database))


async def _maintain(knowledge: Knowledge) -> JobReport:
    """Let go of what is no longer needed."""
    keep = knowledge.config.knowledge.keep_releases
    pruned = await knowledge.releases.prune(keep)
    return JobReport(f"{pruned} releases older than the newest {keep} were pruned.")
