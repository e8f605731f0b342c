"""Scheduled work that survives a restart: which slots are accounted for, and every run."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, String, Text, UniqueConstraint, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, Repository, writes

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


class JobRun(Base):
    """One run of a job. The slot is unique, so no slot runs twice."""

    __tablename__ = "job_runs"
    __table_args__ = (UniqueConstraint("job", "slot"),)

    run_id: Mapped[int] = mapped_column("id", primary_key=True)
    job: Mapped[str] = mapped_column(String(64))
    slot: Mapped[str] = mapped_column(String(64))
    """The time it was due, or ``manual`` with the time it was asked for."""
    state: Mapped[RunState] = mapped_column(String(16), index=True)
    started: Mapped[float] = mapped_column(index=True)
    """UTC epoch seconds."""
    finished: Mapped[float | None]
    text: Mapped[str] = mapped_column(Text, default="")
    """The report, for people."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The report, for programs."""


class JobRepository(Repository):
    """Stores schedules and runs."""

    @writes
    def register(
        self, session: Session, name: str, *, cron: str, timezone: str, now: float
    ) -> float:
        """Record a job's schedule; return up to which moment its slots are accounted for.

        A new job, and one whose schedule changed, has missed nothing: it begins `now`.
        """
        row = session.get(JobRow, name)
        if row is None:
            row = JobRow(name=name, cron=cron, timezone=timezone, seen=now)
            session.add(row)
        elif (row.cron, row.timezone) != (cron, timezone):
            row.cron, row.timezone, row.seen = cron, timezone, now
        return row.seen

    @writes
    def start(
        self, session: Session, job: str, slot: str, *, due: float | None = None
    ) -> int | None:
        """Begin the run of a slot; return its id, or ``None`` if the slot already had one.

        `due` (UTC epoch seconds) and all slots before it are accounted for from here on.
        """
        if due is not None:
            session.execute(
                update(JobRow).where(JobRow.name == job, JobRow.seen < due).values(seen=due)
            )
        taken = session.scalar(select(JobRun.run_id).where(JobRun.job == job, JobRun.slot == slot))
        if taken is not None:
            return None
        row = JobRun(job=job, slot=slot, state="running", started=time.time())
        session.add(row)
        session.flush()
        return row.run_id

    async def seen(self, job: str) -> float:
        """Return up to which moment the slots of a registered job are accounted for."""
        return await self._database.read(lambda session: session.get_one(JobRow, job).seen)

    async def finish(
        self, run_id: int, state: RunState, *, text: str, detail: Mapping[str, Any]
    ) -> None:
        """Record how a run ended."""
        ended = {"state": state, "finished": time.time(), "text": text, "detail": dict(detail)}
        await self._update(JobRun, JobRun.run_id == run_id, **ended)

    async def interrupt(self, jobs: Sequence[str]) -> Sequence[JobRun]:
        """Mark runs of these jobs that a dead process left running; return them, oldest first."""
        said = "The service stopped while this ran."
        runs = await self._execute(
            update(JobRun)
            .where(JobRun.state == "running", JobRun.job.in_(jobs))
            .values(state="interrupted", finished=time.time(), text=said)
            .returning(JobRun)
        )
        return sorted(runs, key=lambda run: run.run_id)

    async def runs(self, job: str | None = None, *, limit: int = 50) -> Sequence[JobRun]:
        """Return runs, newest first."""
        query = select(JobRun).order_by(JobRun.run_id.desc()).limit(limit)
        if job is not None:
            query = query.where(JobRun.job == job)
        return await self._all(query)

    async def latest(self) -> Sequence[JobRun]:
        """Return each job's last run, newest first."""
        last = select(func.max(JobRun.run_id)).group_by(JobRun.job)
        query = select(JobRun).where(JobRun.run_id.in_(last))
        return await self._all(query.order_by(JobRun.run_id.desc()))

    async def ended_badly(self) -> Sequence[JobRun]:
        """Return each job's last run if it failed or kept something back, newest first."""
        return [run for run in await self.latest() if run.state not in ("running", "done")]

    async def get(self, run_id: int) -> JobRun:
        """Return a run that exists."""
        return await self._database.read(lambda session: session.get_one(JobRun, run_id))

    async def forget(self, *, before: float) -> None:
        """Delete finished runs that started before a moment (UTC epoch seconds)."""
        await self._delete(JobRun, JobRun.started < before, JobRun.state != "running")
