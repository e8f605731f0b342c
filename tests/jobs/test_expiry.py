"""Operators hear of entries that end three days before, once."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from core.types import Chunk
from db.base import Database
from db.jobs import JobRepository
from jobs.expiry import NAME, Reminders
from jobs.schedule import Job, JobReport, Scheduler
from kb.index.index import Index
from tests.database import empty_database

pytestmark = pytest.mark.anyio


class Shelf:
    """An index of entries, each with the day on which it ends."""

    def __init__(self) -> None:
        self.days: list[str] = []
        self.today = dt.date(2026, 12, 1)

    async def view(self) -> "Shelf":
        return self

    async def entries(self) -> Sequence[Chunk]:
        return [Chunk(d, "faq.csv", "faq", f"q{d}?", "A.", valid_until=d) for d in self.days]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(tmp_path) as database:
        yield database


async def run(shelf: Shelf, database: Database) -> JobReport:
    """Run the job as the scheduler does; return its report."""
    runs = JobRepository(database)
    job = Job(NAME, Reminders(cast(Index, shelf), runs, today=lambda: shelf.today).job)
    done = await Scheduler([job], runs).run_now(NAME)
    assert done.state == "done", done.text
    return JobReport(done.text, detail=done.detail)


def told(report: JobReport) -> list[str]:
    return [entry["until"] for entry in report.detail["entries"]]


async def test_an_entry_is_named_once_three_days_before_it_ends(
    database: Database,
) -> None:
    shelf = Shelf()
    shelf.days = ["", "2026-12-05", "2027-01-01"]
    assert told(await run(shelf, database)) == []
    shelf.today = dt.date(2026, 12, 2)
    report = await run(shelf, database)
    assert report.text == (
        "1 entry ends soon:\n"
        "2026-12-05: “q2026-12-05?” (faq.csv)\n"
        "Change the date in the file, or on the entry's page under Knowledge."
    )
    assert report.detail["tell"] is True
    for day in (2, 3, 4, 5, 6):
        shelf.today = dt.date(2026, 12, day)
        assert told(await run(shelf, database)) == []


async def test_the_first_run_names_what_ends_within_three_days(database: Database) -> None:
    shelf = Shelf()
    shelf.days = ["2026-11-30", "2026-12-01", "2026-12-04", "2026-12-05"]
    assert told(await run(shelf, database)) == ["2026-12-01", "2026-12-04"]


async def test_days_that_were_missed_are_made_up_for(database: Database) -> None:
    shelf = Shelf()
    await run(shelf, database)
    shelf.days = ["2026-12-04", "2026-12-06", "2026-12-08", "2026-12-10", "2026-12-11"]
    shelf.today = dt.date(2026, 12, 7)
    assert told(await run(shelf, database)) == ["2026-12-08", "2026-12-10"]


async def test_an_entry_that_comes_late_is_named_too(database: Database) -> None:
    shelf = Shelf()
    await run(shelf, database)
    shelf.days = ["2026-12-02", "2026-12-04"]
    assert told(await run(shelf, database)) == ["2026-12-02", "2026-12-04"]
    assert told(await run(shelf, database)) == []
