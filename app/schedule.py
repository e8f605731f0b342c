"""Which work is done when."""

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from app.wiring import Knowledge, days_of, make_answerer, make_library
from core.config import Config, RefreshConfig, SourceConfig
from core.errors import ConfigError, IndexUnusable
from core.wording import told as told_as
from db.figures import Figures
from db.jobs import JobRepository, JobRun
from db.knowledge import SourceRepository
from db.operators import Team
from db.pages import PageRepository
from jobs.expiry import NAME, Reminders
from jobs.housekeeping import Housekeeping
from jobs.inbox import NAME as INBOX
from jobs.inbox import Recheck
from jobs.refresh import Refresh
from jobs.schedule import Job, Scheduler
from jobs.watch import Watcher
from jobs.weekly_report import NAME as WEEKLY
from jobs.weekly_report import WeeklyReport
from sources import Source
from sources.fetch.address import read_url
from sources.fetch.errors import PageNotFetched
from sources.fetch.fetcher import Fetcher, FetchLimits
from sources.git import WorkingCopy
from sources.local import Folder, SingleFile
from sources.web import Sitemap, WebPage

logger = logging.getLogger(__name__)

_MAINTENANCE_CRON = "30 4 * * *"
_REMINDERS_CRON = "0 7 * * *"
_CITED_S = 28 * 24 * 3600
"""Answers younger than this are counted when a refresh takes away what they rest on."""
WATCHED_JOB = "refresh of watched folders"
_MAX_JOB_NAME = 64


def make_refresh(knowledge: Knowledge) -> Refresh:
    """Return what reads the configured sources again.

    Raises:
        ConfigError: if a URL cannot be fetched from.
    """
    config = knowledge.config.refresh
    limits = FetchLimits(
        max_bytes=knowledge.config.knowledge.max_file_mb * 2**20,
        timeout_s=config.page_timeout_s,
        interval_s=config.page_interval_s,
    )
    return Refresh(
        knowledge.ingestor,
        knowledge.release_rows,
        SourceRepository(knowledge.database),
        [make_source(source, knowledge.config) for source in config.sources],
        pages=PageRepository(knowledge.database),
        original=knowledge.originals.path,
        make_fetcher=lambda: Fetcher(limits, allow_hosts=config.allow_hosts),
        max_removed_share=config.max_removed_share,
        cited=partial(_cited, knowledge),
    )


def make_source(source: SourceConfig, config: Config) -> Source:
    """Return the source that a section of the configuration describes.

    Raises:
        ConfigError: if its URL cannot be fetched from.
    """
    kind, value = source.place
    if kind in {"url", "sitemap"}:
        try:
            read_url(value)
        except PageNotFetched as error:
            raise ConfigError(f"refresh.sources: {error} Correct the URL.") from error
    patterns = source.patterns
    match kind:
        case "file":
            return SingleFile(Path(value))
        case "url":
            return WebPage(value)
        case "sitemap":
            return Sitemap(value, patterns or ("**",))
        case "git":
            limit = config.knowledge.max_file_mb * 2**20
            return WorkingCopy(Path(value), patterns or ("**/*",), max_file_bytes=limit)
        case _:
            return Folder(Path(value), patterns or ("**/*",))


def make_scheduler(
    knowledge: Knowledge, *, tell: Callable[[str], Awaitable[None]] | None = None
) -> Scheduler:
    """Return the scheduler with all jobs of the service.

    `tell` sends operators the report of a run that changed something, failed or was held back.
    """
    config = knowledge.config
    refresh = make_refresh(knowledge)
    runs, late_s = JobRepository(knowledge.database), config.refresh.deadline_s
    jobs = [
        Job(name, partial(refresh.job, only=places), cron=cron, timezone=zone, deadline_s=late_s)
        for name, cron, zone, places in refresh_jobs(config)
    ]
    if watched := _watched(config.refresh):
        jobs.append(Job(WATCHED_JOB, partial(refresh.job, only=list(watched)), deadline_s=late_s))
    reminders = Reminders(knowledge.index, runs, today=days_of(config))
    jobs.append(Job(NAME, reminders.job, cron=_REMINDERS_CRON, timezone=config.refresh.timezone))
    report = WeeklyReport(
        Figures(knowledge.database),
        knowledge.conversations,
        Team(knowledge.database),
        company=config.company.name,
        language=config.company.languages[0],
        address=config.console.address,
        named=knowledge.entries.named,
    )
    jobs.append(
        Job(WEEKLY, report.job, cron=config.telegram.report_cron, timezone=config.telegram.timezone)
    )
    housekeeping = Housekeeping(
        knowledge.releases,
        runs,
        knowledge.database,
        keep_releases=config.knowledge.keep_releases,
        retention=config.retention,
    )
    inbox = Recheck(
        make_library(knowledge).questions,
        runs,
        knowledge.release_rows.current,
        make_answerer(knowledge, None).answer,
    )
    jobs.append(Job(INBOX, inbox.job))
    jobs.append(Job("maintenance", housekeeping.job, cron=_MAINTENANCE_CRON))
    return Scheduler(
        jobs,
        runs,
        on_finished=None if tell is None else reporter(tell),
        language=config.company.languages[0],
    )


def reporter(tell: Callable[[str], Awaitable[None]]) -> Callable[[JobRun], Awaitable[None]]:
    """Return what tells operators of finished runs, as far as they need to know.

    Trouble that stays the same is told once, not every half hour.
    """
    told: dict[str, str] = {}

    async def on_finished(run: JobRun) -> None:
        if run.state == "done":
            told.pop(run.job, None)
            wanted = run.detail.get("tell")
            if isinstance(wanted, str):  # a message of its own
                await tell(wanted)
            if wanted is not True:
                return
        elif told.get(run.job) == run.text:
            return
        else:
            told[run.job] = run.text
        await tell(f"{told_as(run.job)}, {told_as(run.state)}: {run.text}")

    return on_finished


def refresh_jobs(config: Config) -> Sequence[tuple[str, str, str, Sequence[str]]]:
    """Return the jobs that read sources again: name, cron, time zone, locations.

    Sources with the same schedule are read in one run, which becomes one release. The common
    schedule comes first, even without sources, so that a run of it can be asked for.
    """
    common = (config.refresh.cron, config.refresh.timezone)
    groups: dict[tuple[str, str], list[str]] = {common: []}
    for source in config.refresh.sources:
        schedule = (source.cron or common[0], source.timezone or common[1])
        groups.setdefault(schedule, []).append(make_source(source, config).location)
    return [
        (
            "refresh" if (cron, timezone) == common else _job_name(cron, timezone),
            cron if locations else "",
            timezone,
            locations,
        )
        for (cron, timezone), locations in groups.items()
    ]


def make_watcher(knowledge: Knowledge, scheduler: Scheduler) -> Watcher | None:
    """Return what has folders read again when they change, if that is wanted."""
    watched = _watched(knowledge.config.refresh)
    if not watched:
        return None
    folders = [Path(place) for place, kind in watched.items() if kind == "path"]
    files = [Path(place) for place, kind in watched.items() if kind == "file"]
    return Watcher(folders, files, partial(scheduler.run_now, WATCHED_JOB))


def _watched(config: RefreshConfig) -> Mapping[str, str]:
    """Return the absolute paths to watch, each with its kind of source."""
    places = [source.place for source in config.sources] if config.watch else []
    return {str(Path(value).absolute()): kind for kind, value in places if kind in {"path", "file"}}


def _job_name(cron: str, timezone: str) -> str:
    """Name a schedule so that it keeps its place in the table of jobs."""
    name = f"refresh {cron} {timezone}"
    if len(name) <= _MAX_JOB_NAME:
        return name
    return f"refresh {hashlib.sha256(name.encode()).hexdigest()[:16]}"


async def _cited(knowledge: Knowledge) -> Mapping[str, Collection[int]]:
    """Return recent answers by the live chunks that they rest on."""
    cited = await knowledge.conversations.cited(since=time.time() - _CITED_S)
    try:
        live = await (await knowledge.index.view()).present(cited)
    except IndexUnusable as error:
        logger.warning("Answers that may change are not counted: %s", error)
        return {}
    return {chunk_id: answers for chunk_id, answers in cited.items() if chunk_id in live}
