"""Faults that need an operator: counted and listed, each with its remedies."""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.conversations import NO_TELEGRAM
from console.form import Refused, fields_of, number_of
from console.pages import Pages
from core.errors import AnswerdeskError, StorageError
from core.wording import N_, tr
from db.jobs import JobRepository
from db.mishaps import Mishaps
from db.uploads import Upload, Uploads
from kb.answering.desk import Desk
from kb.releases.upload import outcome_of

logger = logging.getLogger(__name__)

_MOST = 50
"""Faults of each kind that are listed; all are counted."""
_HERE = "/console/mishaps"
_GONE = N_("That was dealt with meanwhile.")


class Retries(Protocol):
    """The part of `bot.transport.recovery.Recovery` that tries again."""

    async def handle_again(self, number: int) -> bool:
        """Handle a dead letter again; return whether there is one to handle."""

    async def send_again(self, number: int) -> bool:
        """Send a message again that may have arrived; return whether it is one of those."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a model's process ended unplanned since the service was started."""

    model: str
    count: int
    reason: str
    """Reason of the last one."""
    at: float
    """UTC epoch seconds of the last one."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the data folder."""

    folder: PurePath
    free_bytes: int
    low: bool
    """Whether it is too full to accept files and messages for long."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The sources of faults, and what retries them."""

    messages: Mishaps
    jobs: JobRepository
    uploads: Uploads
    answering: Desk
    models: Callable[[], Sequence[Restarts]]
    disk: Callable[[], Awaitable[Disk]]
    run_again: Callable[..., bool]
    """Begins a run of a job, by name and with its options; tells whether there is such a job at
    rest."""
    due: Callable[[], Mapping[str, float | None]]
    """Returns when each job runs next (UTC epoch seconds); ``None``: only when asked for."""
    telegram: Callable[[], Retries | None]

    async def counts(self) -> Mapping[str, float]:
        """Return how much there is of each kind, for /metrics; NaN for what cannot be read."""
        counts = dict.fromkeys(("dead_letters", "uncertain_sends", "failed_jobs", "held"), math.nan)
        try:
            counts["dead_letters"], counts["uncertain_sends"] = await self.messages.counts()
            runs = await self.jobs.ended_badly()
            held = [run for run in runs if run.state == "held"]
            counts["failed_jobs"] = len(runs) - len(held)
            counts["held"] = len(held) + len(await self.uploads.held())
        except StorageError as error:
            logger.warning("What went wrong cannot be counted: %s", error)
        restarts = sum(model.count for model in self.models())
        counts |= {"failed_answers": self.answering.failed, "worker_restarts": restarts}
        return {**counts, "disk_low": (await self.disk()).low}


@dataclass(frozen=True, kw_only=True)
class MishapPages:
    """Endpoints of the page."""

    pages: Pages
    watched: Watched

    async def show(self, request: Request) -> Response:
        """List what went wrong."""
        return await self._page()

    async def handle_again(self, request: Request) -> Response:
        """Handle a dead letter again."""
        return await self._by_telegram(request, lambda bot, number: bot.handle_again(number))

    async def send_again(self, request: Request) -> Response:
        """Send a message again that may have arrived."""
        return await self._by_telegram(request, lambda bot, number: bot.send_again(number))

    async def drop_letter(self, request: Request) -> Response:
        """Forget a dead letter."""
        return await self._after(
            await self.watched.messages.drop_dead_letter(await number_of(request))
        )

    async def drop_send(self, request: Request) -> Response:
        """Leave a message that may have arrived as it is."""
        return await self._after(await self.watched.messages.drop_send(await number_of(request)))

    async def accept(self, request: Request) -> Response:
        """Read sources again, and take what the last run of that held back.

        The guards of sources come off first: golden questions may still hold their content back,
        which is then seen before it is accepted.
        """
        number = await number_of(request)
        runs = {run.run_id: run for run in await self.watched.jobs.ended_badly()}
        run = runs.get(number)
        sources = run.detail.get("sources", ()) if run else ()
        held = [source["name"] for source in sources if source["held"]]
        return self._begun(
            run is not None
            and bool(sources)
            and self.watched.run_again(
                run.job, accept=held, anyway=bool(run.detail["held"] or not held)
            )
        )

    async def run(self, request: Request) -> Response:
        """Begin a run of a job, such as reading the sources again, and show the console."""
        return self._begun(self.watched.run_again((await fields_of(request))["job"]))

    def _begun(self, begun: bool) -> Response:
        if not begun:
            raise Refused(tr("It is running already, or there is no such job any more."), 409)
        return RedirectResponse("/console#runs", 303)

    async def _by_telegram(
        self, request: Request, work: Callable[[Retries, int], Awaitable[bool]]
    ) -> Response:
        number = await number_of(request)
        bot = self.watched.telegram()
        if bot is None:
            return await self._page(notice=tr(NO_TELEGRAM), status=409)
        try:
            return await self._after(await work(bot, number))
        except AnswerdeskError as error:
            return await self._page(notice=str(error), status=409)

    async def _after(self, done: bool) -> Response:
        if not done:
            return await self._page(notice=tr(_GONE), status=409)
        return RedirectResponse(_HERE, 303)

    async def _page(self, *, notice: str = "", status: int = 200) -> Response:
        watched = self.watched
        dead, uncertain = await watched.messages.counts()
        runs = await watched.jobs.ended_badly()
        failed = [run for run in runs if run.state != "held"]
        held_runs = [run for run in runs if run.state == "held"]
        uploads = await watched.uploads.held()
        models = [model for model in watched.models() if model.count]
        disk = await watched.disk()
        return self.pages.response(
            "mishaps.html",
            status=status,
            notice=notice,
            most=_MOST,
            counts=(
                ("dead-letters", "Dead letters", dead),
                ("uncertain", "Uncertain sends", uncertain),
                ("jobs", "Failed jobs", len(failed)),
                ("held", "Held back", len(held_runs) + len(uploads)),
                ("answers", "Failed answers", watched.answering.failed),
                ("models", "Model restarts", sum(model.count for model in models)),
                ("disk", "Disk nearly full", int(disk.low)),
            ),
            dead_letters=await watched.messages.dead_letters(limit=_MOST),
            uncertain_sends=await watched.messages.uncertain_sends(limit=_MOST),
            failed=failed,
            held_runs=held_runs,
            held_uploads=[(upload, _why(upload)) for upload in uploads],
            failures=list(watched.answering.failures)[::-1],
            models=models,
            disk=disk,
        )


def _why(upload: Upload) -> str:
    report = outcome_of(upload).report
    return report.held if report else ""
