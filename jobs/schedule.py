"""When work is done by itself. APScheduler only wakes us up; the table of runs decides.

So a slot that was missed while the service was down runs once at the next start, no slot runs
twice, and clock changes neither skip nor double one.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from core.errors import AnswerdeskError, ConfigError
from core.wording import speaking, tr
from db.jobs import JobRepository, JobRun, RunState
from jobs.cron import last_slot, named_weekdays, slot_name

logger = logging.getLogger(__name__)

_STOP_S = 10.0
"""How long the end of the service waits for cancelled runs."""

_AGAIN = " again"
"""Ends the slot of the one run that makes up for an interrupted one."""


@dataclass(frozen=True, slots=True)
class JobReport:
    """What a run of a job did."""

    text: str
    state: Literal["done", "held", "failed"] = "done"
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON values."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work with a name, and when it is due."""

    name: str
    run: Callable[..., Awaitable[JobReport]]
    cron: str = ""
    """Minute, hour, day, month, weekday (0 is Sunday); empty: only when asked for."""
    timezone: str = "UTC"
    deadline_s: float = 3600.0
    """A run that takes longer is cancelled."""


class Scheduler:
    """Runs jobs when they are due, and on request."""

    def __init__(
        self,
        jobs: Sequence[Job],
        repository: JobRepository,
        *,
        clock: Callable[[], float] = time.time,
        on_finished: Callable[[JobRun], Awaitable[None]] | None = None,
        language: str = "en",
    ) -> None:
        """`language` is that of reports."""
        self._language = language
        self._jobs = {job.name: job for job in jobs}
        self._triggers = {
            job.name: trigger_of(job.name, job.cron, job.timezone) for job in jobs if job.cron
        }
        self._repository = repository
        self._clock = clock
        self._on_finished = on_finished
        self._locks = {job.name: asyncio.Lock() for job in jobs}
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Run jobs on schedule inside this block; leaving it cancels what runs."""
        interrupted = await self._repository.interrupt(list(self._jobs))
        for name, trigger in self._triggers.items():
            job = self._jobs[name]
            await self._repository.register(
                name, cron=job.cron, timezone=job.timezone, now=self._clock()
            )
            self._scheduler.add_job(
                self._wake,
                trigger,
                args=[name],
                id=name,
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )
        self._scheduler.start()
        for name in self._jobs:
            again = [run for run in interrupted if run.job == name]
            self._spawn(self._catch_up(name, again), name)
        try:
            yield self
        finally:
            self._scheduler.shutdown(wait=False)
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                # A job may be slow to give up; a database call waits for its lock first.
                _, left = await asyncio.wait(self._tasks, timeout=_STOP_S)
                for task in left:
                    logger.warning("%s did not stop within %g s", task.get_name(), _STOP_S)

    async def tick(self, name: str) -> None:
        """Run a job if a slot of it is due that has not run; of several missed ones the last."""
        job = self._jobs[name]
        trigger = self._triggers[name]
        async with self._locks[name]:
            while True:
                seen = await self._repository.seen(name)
                slot = last_slot(
                    partial(trigger.get_next_fire_time, None),
                    after=datetime.fromtimestamp(seen, UTC),
                    until=datetime.fromtimestamp(self._clock(), UTC),
                )
                if slot is None:
                    return
                run_id = await self._repository.start(
                    name, slot_name(slot, job.cron), due=slot.timestamp()
                )
                if run_id is not None:
                    await self._execute(job, run_id)

    def due(self) -> Mapping[str, float | None]:
        """Return when each job runs next (UTC epoch seconds); ``None``: only when asked for."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        found = {n: t.get_next_fire_time(None, now) for n, t in self._triggers.items()}
        return {
            name: slot.timestamp() if (slot := found.get(name)) else None for name in self._jobs
        }

    async def run_now(self, name: str, **options: Any) -> JobRun:
        """Run a job at once, after a run of it that is under way; return how it went.

        `options` are handed to the job.
        """
        job = self._jobs[name]
        job = replace(job, run=partial(job.run, **options))
        async with self._locks[name]:
            moment = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
            slot = f"manual {moment} {uuid.uuid4().hex[:8]}"
            run_id = await self._repository.start(name, slot)
            assert run_id is not None, slot
            return await self._execute(job, run_id)

    def ask_for(self, name: str, **options: Any) -> bool:
        """Begin a run of a job beside the caller; return whether there is such a job at rest."""
        if name not in self._jobs or self._locks[name].locked():
            return False

        async def work() -> None:
            await self.run_now(name, **options)

        self._spawn(work(), name)
        return True

    async def _catch_up(self, name: str, interrupted: Sequence[JobRun]) -> None:
        """Make up for what the last stop of the service cut short or missed, once."""
        due = [run for run in interrupted if not run.slot.endswith(_AGAIN)]
        if due:
            async with self._locks[name]:
                run_id = await self._repository.start(name, due[-1].slot + _AGAIN)
                if run_id is not None:
                    await self._execute(self._jobs[name], run_id)
        if name in self._triggers:
            await self.tick(name)

    async def _execute(self, job: Job, run_id: int) -> JobRun:
        with speaking(self._language):
            return await self._report(job, run_id)

    async def _report(self, job: Job, run_id: int) -> JobRun:
        logger.info("%s: started", job.name)
        state: RunState
        detail: dict[str, Any] = {}
        # Cancelled by a stop of the service, it stays `running`: the next start makes up for it.
        try:
            async with asyncio.timeout(job.deadline_s) as limit:
                report = await job.run()
            state, text, detail = report.state, report.text, dict(report.detail)
        except AnswerdeskError as error:
            state, text = "failed", str(error)
            logger.exception("%s failed", job.name)
        except Exception as error:
            if limit.expired():
                state, text = (
                    "late",
                    tr(
                        "It was ended at its deadline of %(seconds)s s.",
                        seconds=f"{job.deadline_s:g}",
                    ),
                )
            else:
                state, text = "failed", f"{type(error).__name__}: {error}"
                logger.exception("%s failed", job.name)
        await self._repository.finish(run_id, state, text=text, detail=detail)
        logger.log(
            logging.INFO if state == "done" else logging.WARNING,
            "%s: %s. %s",
            job.name,
            state,
            text,
        )
        run = await self._repository.get(run_id)
        if self._on_finished is not None:
            await self._on_finished(run)
        return run

    async def _wake(self, name: str) -> None:
        # A task of ours, not of APScheduler: the end of the service has to wait for it.
        self._spawn(self.tick(name), name)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def trigger_of(name: str, cron: str, timezone: str) -> CronTrigger:
    """Return what finds the slots of a schedule; raises `ConfigError` if it cannot be read."""
    try:
        return CronTrigger.from_crontab(named_weekdays(cron), timezone=ZoneInfo(timezone))
    except (ValueError, KeyError, OSError) as error:
        raise ConfigError(
            tr(
                "The schedule %(cron)r (time zone %(timezone)r) of %(name)r cannot be read: "
                '%(reason)s. Write minute hour day month weekday, for example "0 3 * * *".',
                cron=cron,
                timezone=timezone,
                name=name,
                reason=error,
            )
        ) from error
