"""Scheduled work that survives a restart: which slots are accounted for, and every run."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, String, Text, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Database, record

RunState: TypeAlias = Literal["running", "done", "held", "failed", "late", "interrupted"]
"""``held``: it ended well and kept something back. ``late``: ended at its deadline.
``interrupted``: the process died meanwhile."""


class JobRow(Base):
    """A job with a schedule."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    cron: Mapped[str] = mapped_column(String(128))
    timezone: Mapped[str] = mapped_column(String(64))
    seen: Mapped[float]
    """Every slot up to this moment (UTC epoch seconds) has been run or passed over."""


class JobRunRow(Base):
    """One run of a job. The slot is unique, so no slot runs twice."""

    __tablename__ = "job_runs"
    __table_args__ = (UniqueConstraint("job", "slot"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(String(64))
    slot: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    started: Mapped[float] = mapped_column(index=True)
    finished: Mapped[float | None]
    text: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job."""

    run_id: int
    job: str
    slot: str
    """The time it was due, or ``manual`` with the time it was asked for."""
    state: RunState
    started: float
    """UTC epoch seconds."""
    finished: float | None
    text: str
    """The report, for people."""
    detail: Mapping[str, Any]
    """The report, for programs."""


class JobRepository:
    """Stores schedules and runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, name: str, *, cron: str, timezone: str, now: float) -> float:
        """Record a job's schedule; return up to which moment its slots are accounted for.

        A new job, and one whose schedule changed, has missed nothing: it begins `now`.
        """
        async with self._database.session() as session:
            row = await session.get(JobRow, name)
            if row is None:
                row = JobRow(name=name, cron=cron, timezone=timezone, seen=now)
                session.add(row)
            elif (row.cron, row.timezone) != (cron, timezone):
                row.cron, row.timezone, row.seen = cron, timezone, now
            return row.seen

    async def start(self, job: str, slot: str, *, due: float | None = None) -> int | None:
        """Begin the run of a slot; return its id, or ``None`` if the slot already had one.

        `due` (UTC epoch seconds) and all slots before it are accounted for from here on.
        """
        async with self._database.session() as session:
            if due is not None:
                await session.execute(
                    update(JobRow).where(JobRow.name == job, JobRow.seen < due).values(seen=due)
                )
            taken = await session.scalar(
                select(JobRunRow.id).where(JobRunRow.job == job, JobRunRow.slot == slot)
            )
            if taken is not None:
                return None
            row = JobRunRow(
                job=job,
                slot=slot,
                state="running",
                started=time.time(),
                finished=None,
                text="",
                detail={},
            )
            session.add(row)
            await session.flush()
            return row.id

    async def seen(self, job: str) -> float:
        """Return up to which moment the slots of a registered job are accounted for."""
        async with self._database.session() as session:
            row = await session.get_one(JobRow, job)
            return row.seen

    async def finish(
        self, run_id: int, state: RunState, *, text: str, detail: Mapping[str, Any]
    ) -> None:
        """Record how a run ended."""
        async with self._database.session() as session:
            await session.execute(
                update(JobRunRow)
                .where(JobRunRow.id == run_id)
                .values(state=state, finished=time.time(), text=text, detail=dict(detail))
            )

    async def interrupt(self, jobs: Sequence[str]) -> list[JobRun]:
        """Mark runs of these jobs that a dead process left running; return them, oldest first."""
        async with self._database.session() as session:
            rows = (
                await session.scalars(
                    select(JobRunRow)
                    .where(JobRunRow.state == "running", JobRunRow.job.in_(jobs))
                    .order_by(JobRunRow.id)
                )
            ).all()
            for row in rows:
                row.state = "interrupted"
                row.finished = time.time()
                row.text = "The service stopped while this ran."
            return [_run(row) for row in rows]

    async def runs(self, job: str | None = None, *, limit: int = 50) -> list[JobRun]:
        """Return runs, newest first."""
        query = select(JobRunRow).order_by(JobRunRow.id.desc()).limit(limit)
        if job is not None:
            query = query.where(JobRunRow.job == job)
        async with self._database.session() as session:
            return [_run(row) for row in await session.scalars(query)]

    async def ended_badly(self) -> list[JobRun]:
        """Return each job's last run if it failed or kept something back, newest first."""
        last = select(func.max(JobRunRow.id)).group_by(JobRunRow.job)
        query = (
            select(JobRunRow)
            .where(JobRunRow.id.in_(last), JobRunRow.state.not_in(("running", "done")))
            .order_by(JobRunRow.id.desc())
        )
        async with self._database.session() as session:
            return [_run(row) for row in await session.scalars(query)]

    async def get(self, run_id: int) -> JobRun:
        """Return a run that exists."""
        async with self._database.session() as session:
            return _run(await session.get_one(JobRunRow, run_id))

    async def forget(self, *, before: float) -> None:
        """Delete finished runs that started before a moment (UTC epoch seconds)."""
        async with self._database.session() as session:
            await session.execute(
                delete(JobRunRow).where(JobRunRow.started < before, JobRunRow.state != "running")
            )


def _run(row: JobRunRow) -> JobRun:
    return record(JobRun, row, run_id=row.id, detail=dict(row.detail))
