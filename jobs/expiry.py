"""Tell operators three days before which entries are about to end."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.types import Chunk
from core.wording import ntr, tr
from db.jobs import JobRepository
from jobs.schedule import JobReport
from kb.index.index import Index

NAME = "reminders"
AHEAD_DAYS = 3
_SHOWN = 20
_LOOKED_AT = 100
"""Earlier runs; an entry is told in one of the last three."""


@dataclass(frozen=True, slots=True)
class Reminders:
    """Names each entry once, when its last day is at most three days away.

    Whatever was not told yet is told: an entry whose days went by while the service was stopped,
    and one that came only when it had less than three left. The table of runs remembers it.
    """

    index: Index
    runs: JobRepository
    today: Callable[[], dt.date]

    async def job(self) -> JobReport:
        """Run on schedule."""
        today = self.today()
        until = (today + dt.timedelta(days=AHEAD_DAYS)).isoformat()
        runs = await self.runs.runs(NAME, limit=_LOOKED_AT)
        told = {(e["entry"], e["until"]) for run in runs for e in run.detail.get("entries", ())}
        entries = await (await self.index.view()).entries()
        ending = sorted(
            (
                entry
                for entry in entries
                if today.isoformat() <= entry.valid_until <= until
                and (entry.chunk_id, entry.valid_until) not in told
            ),
            key=lambda entry: (entry.valid_until, entry.doc_id, entry.text),
        )
        detail = {
            "tell": bool(ending),
            "entries": [
                {"entry": e.chunk_id, "document": e.doc_id, "until": e.valid_until} for e in ending
            ],
        }
        return JobReport(_text(ending), detail=detail)


def _text(ending: Sequence[Chunk]) -> str:
    if not ending:
        return tr("No entry ends within %(days)s days.", days=AHEAD_DAYS)
    lines = [ntr("%(num)s entry ends soon:", "%(num)s entries end soon:", len(ending))]
    lines += [f"{e.valid_until}: “{e.text}” ({e.doc_id})" for e in ending[:_SHOWN]]
    if len(ending) > _SHOWN:
        lines.append(tr("… and %(count)s more", count=len(ending) - _SHOWN))
    lines.append(tr("Change the date in the file, or on the entry's page under Knowledge."))
    return "\n".join(lines)
