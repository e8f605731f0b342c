"""Slots of scheduled work, each run once."""

import pytest

from db.base import Database
from db.jobs import JobRepository

pytestmark = pytest.mark.anyio


@pytest.fixture
def jobs(database: Database) -> JobRepository:
    return JobRepository(database)


async def test_a_slot_of_a_job_is_begun_once(jobs: JobRepository) -> None:
    first = await jobs.start("refresh", "09:00")
    assert first is not None
    assert await jobs.start("refresh", "09:00") is None
    others = [await jobs.start("refresh", "10:00"), await jobs.start("report", "09:00")]
    assert None not in others
    assert len({first, *others}) == 3
    assert [run.state for run in await jobs.runs()] == ["running"] * 3


async def test_the_slots_up_to_one_that_is_due_are_accounted_for(jobs: JobRepository) -> None:
    for name in ("refresh", "report"):
        assert await jobs.register(name, cron="0 9 * * *", timezone="UTC", now=100.0) == 100.0
    await jobs.start("refresh", "a", due=300.0)
    await jobs.start("refresh", "b", due=200.0)  # an hour that comes twice
    await jobs.start("refresh", "manual")
    assert await jobs.seen("refresh") == 300.0
    assert await jobs.seen("report") == 100.0


async def test_only_the_last_run_of_a_job_counts_as_ended_badly(jobs: JobRepository) -> None:
    ends = [("refresh", "failed"), ("report", "failed"), ("refresh", "done"), ("expiry", "held")]
    for number, (name, state) in enumerate(ends):
        run_id = await jobs.start(name, str(number))
        assert run_id is not None
        await jobs.finish(run_id, state, text="", detail={})  # type: ignore[arg-type]
    await jobs.start("watch", "9")  # is running
    assert [run.job for run in await jobs.ended_badly()] == ["expiry", "report"]


async def test_runs_that_a_dead_process_left_are_named_oldest_first(jobs: JobRepository) -> None:
    done = await jobs.start("refresh", "1")
    assert done is not None
    await jobs.finish(done, "done", text="All read.", detail={"files": 3})
    cut = [await jobs.start("refresh", "2"), await jobs.start("report", "3")]
    await jobs.start("another service's", "4")
    found = await jobs.interrupt(["refresh", "report"])
    assert [run.run_id for run in found] == cut
    assert {run.state for run in found} == {"interrupted"}
    assert (await jobs.get(done)).detail == {"files": 3}
    assert await jobs.interrupt(["refresh", "report"]) == []


async def test_old_runs_are_deleted_unless_they_still_run(
    jobs: JobRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, now in enumerate([100.0, 200.0, 100.0]):
        monkeypatch.setattr("db.jobs.time.time", lambda now=now: now)
        run_id = await jobs.start("refresh", str(number))
        assert run_id is not None
        if number < 2:
            await jobs.finish(run_id, "done", text="", detail={})
    await jobs.forget(before=200.0)
    assert sorted(run.slot for run in await jobs.runs()) == ["1", "2"]
