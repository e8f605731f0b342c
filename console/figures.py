"""Figures on customers' questions, with the questions and conversations behind each."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from console.careful import AGREEMENTS
from console.form import read_number
from console.knowledge import literally
from console.operator import Records
from console.pages import Pages, as_csv
from console.work import Spawn
from core.errors import AnswerdeskError
from core.wording import N_, tr
from db.figures import LASTING_S, OUTCOMES, Asked, Which
from db.handover import Handover
from kb.releases.entries import Entries
from kb.review.most_asked import rising, together

logger = logging.getLogger(__name__)

PERIODS = (1, 7, 28, 90, 365)
"""Days that the pages offer."""
_DEFAULT = 28
_DAY_S = 86_400
_PAGE = 50
NAMES = {
    "answered": N_("Answered"),
    "hedged": N_("Answered, perhaps"),
    "held": N_("Held for a person"),
    "choices": N_("Asked to choose"),
    "refused": N_("No answer known"),
    "handed_over": N_("Asked for a person"),
    "other": N_("No question"),
}
_RESOLVED = {
    "once": N_("Resolved at once"),
    "lasting": N_("Still resolved after seven days"),
    "reopened": N_("Reopened within seven days"),
}
_MOST_ASKED, _MOST_USED = 10, 20
_MARK_CHARS = 64
_ID_CHARS = 32
_COUNTED_S = 300
"""Seconds for which figures are kept: 100,000 conversations took 10 s on a busy machine."""
_WAIT_S = 3
"""Seconds after which the page says that it is counting, and reloads itself."""
_HOURS = {str(hour) for hour in range(24)}
_VERDICTS = {"yes": N_("Helped"), "no": N_("Did not help")}
_COLUMNS = ("day", "channel", "language", "outcome", "answers", "helpful", "unhelpful")


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure, with the address of the questions behind it."""

    name: str
    count: int
    percent: float
    """Share of its total."""
    address: str


@dataclass(kw_only=True)
class FigurePages:
    """Endpoints of the figures."""

    pages: Pages
    records: Records
    entries: Entries
    group_of: Callable[[int, int], Sequence[int]]
    """Returns the questions of the last days that are in one's group on the map."""
    spawn: Spawn[dict[str, Any]]
    """Runs something in the background."""

    def __post_init__(self) -> None:
        self._counted: dict[int, tuple[float, asyncio.Task[dict[str, Any]]]] = {}

    async def show(self, request: Request) -> Response:
        """Show the figures of the last days, counted within the last minutes, or that they are
        being counted."""
        days = days_of(request)
        known = await self._known(days)
        if known is None:
            return self.pages.response("figures.html", counting=True, days=days, periods=PERIODS)
        since = time.time() - days * _DAY_S
        return self.pages.response(
            "figures.html",
            counting=False,
            agreement=await self.records.drafts.agreement(since=since),
            agreements=AGREEMENTS,
            **known,
        )

    async def _known(self, days: int) -> dict[str, Any] | None:
        """Return what is counted, with the words of what was asked most.

        Those are not kept, so that nothing is shown that was erased meanwhile.
        """
        counting = self._counts(days)
        if not (await asyncio.wait({counting}, timeout=_WAIT_S))[0]:
            return None
        known = await counting
        words = await self.records.figures.questions([one for one, _ in known["most"]])
        most = (
            (words[one][:200], count, {"same": str(one)})
            for one, count in known["most"]
            if one in words
        )
        return {**known, "most": _bars(most, days)}

    def _counts(self, days: int) -> "asyncio.Task[dict[str, Any]]":
        """Return the latest count, which begins now if that is old or failed."""
        begun, counting = self._counted.get(days, (0.0, None))
        old = time.monotonic() - begun >= _COUNTED_S
        if counting is None or (counting.done() and (old or counting.exception())):
            counting = self.spawn(self._count(days))
            self._counted[days] = (time.monotonic(), counting)
        return counting

    async def _count(self, days: int) -> dict[str, Any]:
        since = time.time() - days * _DAY_S
        cells, hours = await self.records.figures.cells(since=since)
        asked = [cell for cell in cells if cell.outcome != "other"]
        most = await self.records.figures.most_asked(since=since, limit=_MOST_ASKED)
        by_outcome, by_language = Counter[str](), Counter[str]()
        for cell in asked:
            by_outcome[cell.outcome] += cell.answers
            by_language[cell.language] += cell.answers
        total = by_outcome.total()
        older = await self.records.figures.count(Which(since=since, until=time.time() - LASTING_S))
        resolved = {
            kind: await self.records.figures.count(Which(since=since, resolved=kind))
            for kind in _RESOLVED
        }
        return {
            "cells": cells,
            "days": days,
            "periods": PERIODS,
            "total": total,
            "older": older,
            "resolved": [
                Bar(
                    _RESOLVED[kind],
                    count,
                    100 * count / ((older if kind == "lasting" else total) or 1),
                    address_of(days, {"resolved": kind}),
                )
                for kind, count in resolved.items()
            ],
            "outcomes": _bars(
                ((NAMES[o], by_outcome[o], {"outcome": o}) for o in OUTCOMES[:-1]), days
            ),
            "verdicts": _bars(
                (
                    (_VERDICTS["yes"], sum(c.helpful for c in cells), {"feedback": "yes"}),
                    (_VERDICTS["no"], sum(c.unhelpful for c in cells), {"feedback": "no"}),
                ),
                days,
            ),
            "languages": _bars(
                ((code, count, {"language": code}) for code, count in by_language.most_common()),
                days,
            ),
            "most": most,
            "hours": _bars(
                (
                    (f"{hour:02}:00", count, {"hour": str(hour)})
                    for hour, count in enumerate(hours)
                    if count
                ),
                days,
            ),
            **await self._used(days, since),
            "timezone": self.records.figures.timezone,
            "times": await self._times(since, days),
        }

    async def _used(self, days: int, since: float) -> Mapping[str, list[Bar]]:
        """Return what documents answers rest on, and what was answered more often than in as many
        days before."""
        now, cited = time.time(), self.records.conversations.cited
        lately = now - min(days, _DEFAULT) * _DAY_S
        try:
            given = await cited(since=since)
            names = {one.chunk_id: one.doc_id for one in await self.entries.named([*given])}
            more = await rising(cited, self.entries.named, since=lately, now=now, most=_MOST_ASKED)
        except AnswerdeskError as error:
            logger.warning("What answers rest on cannot be named: %s", error)
            return {"documents": [], "rising": []}
        by_document = Counter({d: len(n) for d, n in together(given, names).items()})
        used = ((d, count, {"document": d}) for d, count in by_document.most_common(_MOST_USED))
        risen = (
            (name[:200], by, {"entry": entry} if entry else {"document": name})
            for entry, name, by in more
        )
        return {"documents": _bars(used, days), "rising": _bars(risen, min(days, _DEFAULT))}

    async def _times(self, since: float, days: int) -> list[tuple[str, float, str]]:
        """Return how long customers waited, in seconds, each with what it is and its questions."""
        half, most, total = await self.records.figures.computing(since=since)
        every, called = address_of(days, {}), address_of(days, {"outcome": "handed_over"})
        times = [
            (N_("Answer, half of them within"), half, every),
            (N_("Answer, 95 of 100 within"), most, every),
            (N_("Computing, all together"), total, every),
        ]
        if waits := await self.records.handovers.waits(since=since):
            times += [
                (N_("Reply of a person, half of them within"), waits[len(waits) // 2], called),
                (N_("Reply of a person, longest"), waits[-1], called),
            ]
        return times

    async def export(self, request: Request) -> Response:
        """Send the figures as CSV: a row for each day, way in, language and outcome."""
        days = days_of(request)
        cells = (await self._counts(days))["cells"]  # a program waits
        rows = [[getattr(cell, name) for name in _COLUMNS] for cell in cells]
        return as_csv(f"figures-{days}-days.csv", [_COLUMNS, *rows])

    async def conversations(self, request: Request) -> Response:
        """List conversations by their last question, above them who waits for a person."""
        called = await self.records.handovers.open(web=True)
        last = await self.records.figures.last_of([one.chat for one in called])
        waiting = [(one, last[one.chat]) for one in called if one.chat in last]
        return await self.answers(request, latest=True, waiting=waiting)

    async def answers(
        self,
        request: Request,
        *,
        latest: bool = False,
        waiting: Sequence[tuple[Handover, Asked]] = (),
    ) -> Response:
        """List the questions behind a figure; with `latest` of each conversation the last."""
        asked = request.query_params
        days, page = days_of(request), max(1, read_number(asked.get("page", "")))
        hour, document = asked.get("hour", ""), asked.get("document", "")
        entry = asked.get("entry", "")[:_ID_CHARS]
        people, assigned = await self.records.accounts.list(), asked.get("assigned", "")
        group = read_number(asked.get("group", ""))
        which = Which(
            since=time.time() - days * _DAY_S,
            outcome=asked.get("outcome", "") if asked.get("outcome", "") in OUTCOMES else "",
            language=asked.get("language", "")[:8],
            feedback=asked.get("feedback", "") if asked.get("feedback", "") in _VERDICTS else "",
            hour=read_number(hour) if hour in _HOURS else -1,
            unsure=bool(asked.get("unsure")),
            resolved=asked.get("resolved", "") if asked.get("resolved", "") in _RESOLVED else "",
            same_as=read_number(asked.get("same", "")),
            latest=latest,
            mark=asked.get("mark", "")[:_MARK_CHARS],
            assigned=read_number(assigned) if assigned else None,
            cites=[entry] * bool(entry) or (await self._chunks_of(document) if document else None),
            among=self.group_of(days, group) if group else None,
        )
        found = await self.records.figures.answers(
            which, limit=_PAGE + 1, offset=(page - 1) * _PAGE
        )
        who = next((one.name for one in people if one.account_id == which.assigned), "")
        filters = {  # as in an address, and in words
            "days": (str(days), ""),
            "outcome": (which.outcome, which.outcome and tr(NAMES[which.outcome])),
            "feedback": (which.feedback, which.feedback and tr(_VERDICTS[which.feedback])),
            "unsure": ("yes", tr("Hardly sure")) if which.unsure else ("", ""),
            "resolved": (which.resolved, which.resolved and tr(_RESOLVED[which.resolved])),
            "same": (str(which.same_as), tr("The same question")) if which.same_as else ("", ""),
            "group": (str(group), tr("A group of the map")) if group else ("", ""),
            "language": (which.language, which.language),
            "document": (document, document),
            "entry": (entry, tr("One entry")) if entry else ("", ""),
            "mark": (which.mark, which.mark),
            "assigned": (
                assigned,
                tr("assigned to %(name)s", name=who)
                if who
                else tr("assigned to nobody") * (which.assigned == 0),
            ),
            "hour": (hour, f"{which.hour:02}:00–{which.hour + 1:02}:00")
            if which.hour >= 0
            else ("", ""),
        }
        live = await self.records.releases.live_number()
        return self.pages.response(
            "answers.html",
            title=", ".join(words for _, words in filters.values() if words)
            or (tr("Conversations") if latest else tr("Questions")),
            days=days,
            periods=PERIODS,
            which=which,
            verdicts=_VERDICTS,
            document=document,
            documents=sorted(await self.records.releases.documents(live)),
            marks=await self.records.figures.marks(),
            people=people,
            assigned=await self.records.accounts.assigned(
                [*(one.chat for one in found), *(one.chat for _, one in waiting)]
            ),
            waiting=waiting,
            answers=found[:_PAGE],
            names=NAMES,
            page=page,
            address=urlencode({name: value for name, (value, _) in filters.items() if value}),
            more=len(found) > _PAGE,
        )

    async def _chunks_of(self, document: str) -> Sequence[str]:
        """Return the chunks of a document as it is now; none while nothing can be searched."""
        try:
            found = await self.entries.search(documents=literally(document))
        except AnswerdeskError as error:
            logger.warning("What cites a document cannot be listed: %s", error)
            return ()
        return [chunk.chunk_id for chunk in found.chunks]


def days_of(request: Request) -> int:
    """Return the period that an address names, in days."""
    days = read_number(request.query_params.get("days", ""))
    return days if days in PERIODS else _DEFAULT


def address_of(days: int, which: Mapping[str, str]) -> str:
    """Return where the questions behind a figure are listed."""
    return f"/console/answers?{urlencode({'days': str(days), **which})}"


def _bars(figures: Iterable[tuple[str, int, dict[str, str]]], days: int) -> list[Bar]:
    known = list(figures)
    total = sum(count for _, count, _ in known) or 1
    return [
        Bar(name, count, 100 * count / total, address_of(days, which))
        for name, count, which in known
    ]
