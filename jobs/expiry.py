"""Tell operators three days before which entries are about to end."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Protocol

from core.types import Chunk
from db.jobs import JobRepository
from jobs.schedule import JobReport

NAME = "reminders"
AHEAD_DAYS = 3
_SHOWN = 20
_TOLD = "told_until"


class ReadableView(Protocol):
    """One release of the index (`kb.index.View`)."""

    async def entries(self) -> Sequence[Chunk]:
        """Return every FAQ entry."""
        ...


class ReadableIndex(Protocol):
    """The index of a knowledge base (`kb.index.Index`)."""

    async def view(self) -> ReadableView:
        """Return the live release."""
        ...


class Reminders:
    """Names each entry once, when its last day is at most three days away.

    Args:
        index: holds the entries.
        runs: remembers up to which day was told; days that a stop of the service missed are made
            up for.
        today: the date by which entries are valid.
    """

    def __init__(
        self, index: ReadableIndex, runs: JobRepository, *, today: Callable[[], dt.date]
    ) -> None:
        self._index = index
        self._runs = runs
        self._today = today

    async def job(self) -> JobReport:
        """Run on schedule."""
        today = self._today()
        until = (today + dt.timedelta(days=AHEAD_DAYS)).isoformat()
        told = await self._told()
        first = max(today.isoformat(), told)
        entries = await (await self._index.view()).entries()
        ending = sorted(
            (
                entry
                for entry in entries
                if first <= entry.valid_until <= until and entry.valid_until != told
            ),
            key=lambda entry: (entry.valid_until, entry.doc_id, entry.text),
        )
        detail = {
            _TOLD: max(until, told),
            "tell": bool(ending),
            "entries": [
                {"entry": e.chunk_id, "document": e.doc_id, "until": e.valid_until} for e in ending
            ],
        }
        return JobReport(_text(ending), detail=detail)

    async def _told(self) -> str:
        """Return the last day whose endings were told, as ISO date; empty before the first."""
        runs = await self._runs.runs(NAME, limit=100)
        return next((str(run.detail[_TOLD]) for run in runs if _TOLD in run.detail), "")


def _text(ending: Sequence[Chunk]) -> str:
    if not ending:
        return f"No entry ends within {AHEAD_DAYS} days."
    lines = [f"{len(ending)} {'entry ends' if len(ending) == 1 else 'entries end'} soon:"]
    lines += [f"{e.valid_until}: “{e.text}” ({e.doc_id})" for e in ending[:_SHOWN]]
    if len(ending) > _SHOWN:
        lines.append(f"… and {len(ending) - _SHOWN} more")
    lines.append("Change the date in the file, or `answerdesk entries validity ENTRY --until DAY`.")
    return "\n".join(lines)
