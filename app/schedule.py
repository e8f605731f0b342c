"""Which work is done when."""

from collections.abc import Awaitable, Callable

from app.wiring import Knowledge, today
from db.jobs import JobRepository, JobRun
from jobs.expiry import NAME, Reminders
from jobs.housekeeping import Housekeeping
from jobs.refresh import Folder, Refresh
from jobs.schedule import Job, Scheduler

_MAINTENANCE_CRON = "30 4 * * *"
_REMINDERS_CRON = "0 7 * * *"


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


def make_scheduler(
    knowledge: Knowledge, *, tell: Callable[[str], Awaitable[None]] | None = None
) -> Scheduler:
    """Return the scheduler with all jobs of the service.

    Args:
        knowledge: what they work on.
        tell: sends operators the report of a run that changed something, failed or was held back.
    """
    config = knowledge.config.refresh
    runs = JobRepository(knowledge.database)

    async def on_finished(run: JobRun) -> None:
        if tell is not None and (run.state != "done" or run.detail.get("tell")):
            await tell(f"{run.job}, {run.state}: {run.text}")

    jobs = [
        Job(
            "refresh",
            make_refresh(knowledge).job,
            cron=config.cron if config.sources else "",
            timezone=config.timezone,
            deadline_s=config.deadline_s,
        ),
        Job(
            NAME,
            Reminders(knowledge.index, runs, today=today).job,
            cron=_REMINDERS_CRON,
            timezone=config.timezone,
        ),
        Job(
            "maintenance",
            Housekeeping(
                knowledge.releases,
                runs,
                knowledge.database,
                keep_releases=knowledge.config.knowledge.keep_releases,
            ).job,
            cron=_MAINTENANCE_CRON,
        ),
    ]
    return Scheduler(jobs, runs, on_finished=on_finished)
