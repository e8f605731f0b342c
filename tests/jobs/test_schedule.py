"""The schedule: every due slot runs once, and a bad run ends and is told (target 16)."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.errors import ConfigError, IngestError
from core.wording import tr
from db.base import Database, create_engine
from db.jobs import JobRepository
from jobs.schedule import Job, JobReport, Scheduler
from tests.database import empty_database

pytestmark = pytest.mark.anyio


class Clock:
    """Time that moves only when told."""

    def __init__(self, moment: str) -> None:
        self.now = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now

    def set(self, moment: str) -> None:
        self.now = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()


class Work:
    """Counts its runs; may wait or fail."""

    def __init__(self) -> None:
        self.count = 0
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self) -> JobReport:
        self.count += 1
        self.started.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return JobReport(f"run {self.count}", detail={"count": self.count})


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[JobRepository]:
    async with empty_database(tmp_path) as database:
        yield JobRepository(database)


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-20T12:00")


@pytest.fixture
def work() -> Work:
    return Work()


def scheduler(
    repository: JobRepository, clock: Clock, work: Work, *, deadline_s: float = 60
) -> Scheduler:
    job = Job("refresh", work, cron="0 3 * * *", deadline_s=deadline_s)
    return Scheduler([job], repository, clock=clock)


async def settled(scheduler: Scheduler) -> None:
    """Wait until what the start of a scheduler makes up for is done."""
    await asyncio.gather(*scheduler._tasks)


async def states(repository: JobRepository) -> list[tuple[str, str]]:
    return [(run.slot, run.state) for run in reversed(await repository.runs())]


async def test_a_new_job_has_missed_nothing(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
    assert work.count == 0


async def test_a_slot_runs_once_and_leaves_its_report(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
        clock.set("2026-11-21T03:00")
        await running.tick("refresh")
        await running.tick("refresh")
        clock.set("2026-11-21T02:59:55")
        await running.tick("refresh")
        clock.set("2026-11-21T03:00:05")
        await running.tick("refresh")
    assert await states(repository) == [("2026-11-21T03:00", "done")]
    (run,) = await repository.runs()
    assert (run.text, run.detail) == ("run 1", {"count": 1})
    assert run.finished is not None


async def test_a_report_is_in_the_companys_language(repository: JobRepository) -> None:
    async def nothing_ends() -> JobReport:
        return JobReport(tr("No entry ends within %(days)s days.", days=3))

    running = Scheduler([Job("reminders", nothing_ends)], repository, language="zh")
    assert (await running.run_now("reminders")).text == "3 天内没有条目到期。"


async def test_an_hour_that_comes_twice_runs_once(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    clock.set("2026-10-24T12:00")
    job = Job("refresh", work, cron="30 2 * * *", timezone="Europe/Berlin")
    async with Scheduler([job], repository, clock=clock).running() as running:
        await settled(running)
        for moment in ("2026-10-25T00:30", "2026-10-25T01:30", "2026-10-26T01:30"):
            clock.set(moment)
            await running.tick("refresh")
    assert await states(repository) == [("2026-10-25T02:30", "done"), ("2026-10-26T02:30", "done")]


async def test_slots_missed_while_the_service_was_down_run_once_at_the_start(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
    clock.set("2026-11-24T09:00")
    for _ in range(2):
        async with scheduler(repository, clock, work).running() as running:
            await settled(running)
    assert await states(repository) == [("2026-11-24T03:00", "done")]


async def test_a_run_cut_short_by_the_end_of_the_service_is_made_up_for_once(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    work.gate.clear()
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
        clock.set("2026-11-21T03:00")
        tick = asyncio.create_task(running.tick("refresh"))
        await work.started.wait()
        tick.cancel()
        await asyncio.gather(tick, return_exceptions=True)
    for _ in range(3):
        work.started.clear()
        async with scheduler(repository, clock, work).running():
            if work.count < 2:
                await work.started.wait()
    assert await states(repository) == [
        ("2026-11-21T03:00", "interrupted"),
        ("2026-11-21T03:00 again", "interrupted"),
    ]


async def test_a_hung_run_is_ended_at_its_deadline(
    repository: JobRepository, clock: Clock, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    work.gate.clear()
    async with scheduler(repository, clock, work, deadline_s=0.05).running() as running:
        run = await running.run_now("refresh")
    assert (run.state, run.text) == ("late", "It was ended at its deadline of 0.05 s.")
    assert "refresh: late. It was ended at its deadline" in caplog.text


async def test_a_failed_run_is_told_and_the_next_slot_runs(
    repository: JobRepository, clock: Clock, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
        for moment, error in (
            ("2026-11-21T03:00", IngestError("The disk is full.")),
            ("2026-11-22T03:00", ZeroDivisionError("by zero")),
            ("2026-11-23T03:00", TimeoutError("its own")),
            ("2026-11-24T03:00", None),
        ):
            clock.set(moment)
            work.error = error
            await running.tick("refresh")
    runs = list(reversed(await repository.runs()))
    assert [(run.state, run.text) for run in runs] == [
        ("failed", "The disk is full."),
        ("failed", "ZeroDivisionError: by zero"),
        ("failed", "TimeoutError: its own"),
        ("done", "run 4"),
    ]
    assert "Traceback" in caplog.text


async def test_a_run_that_takes_longer_than_the_interval_is_followed_by_one_more(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
        work.gate.clear()
        clock.set("2026-11-21T03:00")
        tick = asyncio.create_task(running.tick("refresh"))
        await work.started.wait()
        clock.set("2026-11-25T04:00")
        work.gate.set()
        await tick
    assert await states(repository) == [("2026-11-21T03:00", "done"), ("2026-11-25T03:00", "done")]


async def test_asking_for_a_run_waits_for_the_one_under_way(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    work.gate.clear()
    async with scheduler(repository, clock, work).running() as running:
        first = asyncio.create_task(running.run_now("refresh"))
        await work.started.wait()
        second = asyncio.create_task(running.run_now("refresh"))
        await asyncio.sleep(0)
        assert work.count == 1
        work.gate.set()
        assert [run.text for run in await asyncio.gather(first, second)] == ["run 1", "run 2"]


async def test_a_changed_schedule_has_missed_nothing(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
    clock.set("2026-11-24T09:00")
    changed = Scheduler([Job("refresh", work, cron="0 4 * * *")], repository, clock=clock)
    async with changed.running() as running:
        await settled(running)
    assert work.count == 0


async def test_the_trigger_wakes_the_job_up_late_or_not(
    repository: JobRepository, clock: Clock, work: Work
) -> None:
    """APScheduler drops a wake-up that is over a second late unless told otherwise."""
    async with scheduler(repository, clock, work).running() as running:
        await settled(running)
        clock.set("2026-11-21T03:00")
        job = running._scheduler.get_job("refresh")
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)
        job.modify(next_run_time=datetime(2020, 1, 1, tzinfo=UTC))
        await work.started.wait()
    assert work.count == 1


async def test_a_run_takes_options_and_each_job_says_when_it_is_due(
    repository: JobRepository, clock: Clock
) -> None:
    async def work(only: str, *, accept: str = "") -> JobReport:
        return JobReport(f"{only} {accept}")

    jobs = [
        Job("refresh", partial(work, only="all"), cron="0 3 * * *"),
        Job("watch", partial(work, only="faq")),
    ]
    async with Scheduler(jobs, repository, clock=clock).running() as running:
        assert (await running.run_now("refresh", accept="faq")).text == "all faq"
        due = running.due()
    assert due["watch"] is None
    assert due["refresh"] is not None
    assert 0 < due["refresh"] - clock() <= 86_400


async def test_whoever_asked_is_told_of_every_run(
    repository: JobRepository, clock: Clock, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def tell(run: object) -> None:
        told.append(str(getattr(run, "text", "")))

    caplog.set_level(logging.INFO)
    job = Job("refresh", work)
    async with Scheduler([job], repository, clock=clock, on_finished=tell).running() as running:
        await running.run_now("refresh")
    assert told == ["run 1"]
    assert "refresh: done. run 1" in caplog.text


@pytest.mark.parametrize(
    ("cron", "timezone"), [("99 3 * * *", "UTC"), ("0 3 * *", "UTC"), ("0 3 * * *", "Mars/Base")]
)
def test_a_wrong_schedule_is_refused_with_an_example(cron: str, timezone: str, work: Work) -> None:
    job = Job("refresh", work, cron=cron, timezone=timezone)
    with pytest.raises(ConfigError, match=r'The schedule .* of \'refresh\' .*"0 3 \* \* \*"'):
        Scheduler([job], JobRepository(Database(create_engine("sqlite://"))))


@pytest.mark.parametrize("seed", range(6))
async def test_no_slot_is_skipped_or_doubled_whatever_happens(
    repository: JobRepository, clock: Clock, seed: int
) -> None:
    """Target 16: pauses, restarts, crashes, hangs, failures and steps of the clock over a year.

    Each day has one slot, at half past two in a zone where that hour is missing one night and
    comes twice in another.
    """
    chance = random.Random(seed)
    zone = ZoneInfo("Europe/Berlin")
    clock.set("2026-02-01T12:00")
    work = Work()
    started_on = datetime.fromtimestamp(clock(), zone).date()

    def make() -> Scheduler:
        job = Job("refresh", work, cron="30 2 * * *", timezone="Europe/Berlin", deadline_s=0.01)
        return Scheduler([job], repository, clock=clock)

    async def crash_within(running: Scheduler) -> None:
        work.gate.clear()
        work.started.clear()
        tick = asyncio.create_task(running.tick("refresh"))
        begun = asyncio.create_task(work.started.wait())
        await asyncio.wait([tick, begun], return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        tick.cancel()
        await asyncio.gather(tick, begun, return_exceptions=True)
        work.gate.set()

    async def check() -> None:
        now = datetime.fromtimestamp(clock(), zone)
        runs = [run for run in await repository.runs(limit=10_000)]
        days = Counter(run.slot[:10] for run in runs if not run.slot.endswith(" again"))
        again = Counter(run.slot for run in runs if run.slot.endswith(" again"))
        assert max([*days.values(), *again.values()], default=1) == 1
        if now.date() > started_on and now.hour >= 4:
            assert days[now.date().isoformat()] == 1, "today's slot was passed over"
        assert not any(run.state == "running" for run in runs)

    async def live() -> None:
        async with make().running() as running:
            await settled(running)
            await check()
            for _ in range(chance.randrange(6)):
                clock.now += chance.choice([60, 3600, 3 * 3600, 12 * 3600, 30 * 3600, 9 * 86_400])
                work.error = chance.choice([None, None, IngestError("no")])
                if chance.random() < 0.15:
                    work.gate.clear()
                await running.tick("refresh")
                work.gate.set()
                await check()
                clock.now -= 5
                await running.tick("refresh")
                await check()
                clock.now += 5
            clock.now += chance.choice([0, 86_400])
            if chance.random() < 0.3:
                await crash_within(running)
        clock.now += chance.choice([0, 3 * 3600, 4 * 86_400])

    await live()
    for night in ("2026-03-28T22:00", "2026-10-24T22:00"):
        clock.now = max(clock.now, datetime.fromisoformat(night).replace(tzinfo=UTC).timestamp())
        for _ in range(32):  # every quarter of an hour, and a restart now and then
            clock.now += 900
            async with make().running() as running:
                await settled(running)
                await running.tick("refresh")
                await check()
        for _ in range(7):
            await live()
