"""The map of the questions: drawn beside the requests, shown with its groups as a table."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import Response

from console.figures import NAMES, PERIODS, address_of, days_of
from console.operator import Records
from console.pages import Pages
from console.work import Spawn
from core.errors import AnswerdeskError
from core.protocols import Embedder
from core.shown import short
from core.types import Matrix
from core.wording import N_, tr
from db.question_vectors import Standing
from kb.review.question_map import QuestionMap, lay_out, name_groups
from kb.text.segmentation import normalise

_LEAST = 5
_BATCH = 16
"""Embedded at a time: a customer's question waits for no more of them."""
_STORED = 512
"""Stored at a time."""
_SCALE = 256
"""A component of .5 is 128; few of a vector of length 1 are greater."""
_READ_S = 20
"""A drawing waits for so long for what was not read yet; then it is made without."""
_KEPT_S, _SOON_S = 300, 20
"""Seconds for which a map is kept, and one for which questions are still being read."""
_AT_ONCE_S = 0.2
"""A page waits for so long before it shows the map before, or says how far this one is."""
_ACROSS, _DOWN = 80, 48
"""Questions of one such part of the map and one outcome are drawn as one circle."""
_NAMED_FROM = 200
"""Questions of a group that its name is made of."""
_TITLE_CHARS = 120
KINDS: Mapping[str, str] = {
    **{kind: name for kind, name in NAMES.items() if kind != "other"},
    "unhelpful": N_("Did not help"),
}
"""What a circle's colour tells."""
_RESOLVED = [[*KINDS].index(kind) for kind in ("answered", "hedged")]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map, without words, so that nothing is shown that was erased meanwhile."""

    since: float
    numbers: npt.NDArray[np.int64]
    """The questions that are on it, ascending."""
    unread: int
    """How many are not on it yet."""
    map: QuestionMap | None
    """``None``: too few for one."""

    def group_of(self, number: int) -> Sequence[int]:
        """Return the questions in one's group."""
        row = np.searchsorted(self.numbers, number)
        if self.map is None or number not in self.numbers[row : row + 1]:
            return ()
        groups = self.map.groups
        return list(map(int, self.numbers[groups == groups[row]]))


@dataclass(frozen=True, slots=True)
class Members:
    """The questions of a group that are still there."""

    rows: npt.NDArray[np.intp]
    """Where they are on the map."""
    kinds: npt.NDArray[np.intp]
    """Of each, which of `KINDS`."""
    telling: Sequence[int]
    """Some by number, the most typical first."""


@dataclass(frozen=True, slots=True)
class Group:
    """Questions of like meaning."""

    name: str
    example: str
    count: int
    resolved: float
    """Share, 0 to 1."""
    address: str
    x: float
    """Of its number on the map, 0 to 1."""
    y: float


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of a map; it has words, so it is checked and soon forgotten."""

    groups: Sequence[Group]
    kinds: Mapping[str, tuple[str, int, str]]
    """Name, how many, and the circles as JSON: x and y in thousandths, how many, group."""


class MapPages:
    """Endpoint of the map."""

    def __init__(
        self, *, pages: Pages, records: Records, embedder: Embedder, spawn: Spawn[Any]
    ) -> None:
        """`spawn` does something beside the requests, until the service ends."""
        self._pages = pages
        self._records = records
        self._embedder = embedder
        self._spawn = spawn
        self._drawings: dict[int, tuple[float, asyncio.Task[None]]] = {}
        self._drawn: dict[int, Drawn] = {}
        self._reading: asyncio.Task[None] | None = None
        self._read = (0, 0)
        self._shown: dict[int, tuple[Drawn, Standing, Shown]] = {}

    async def show(self, request: Request) -> Response:
        """Show the map of the last days, or how far it is."""
        days, notice = days_of(request), ""
        began, drawing = self._drawings.get(days, (0.0, None))
        old = time.monotonic() - began >= self._kept(days)
        if drawing is None or (drawing.done() and old):
            drawing = self._spawn(self._draw(days))
            self._drawings[days] = (time.monotonic(), drawing)
        await asyncio.wait({drawing}, timeout=_AT_ONCE_S)
        drawn, shown = self._drawn.get(days), Shown((), {})
        try:
            if drawing.done():
                drawing.result()
            elif days not in self._shown:
                drawn = None
            if drawn:
                shown = await self._look(drawn, days)
        except AnswerdeskError as error:
            self._drawings.pop(days, None)
            notice = tr("The map cannot be drawn now: %(reason)s", reason=error)
        return self._pages.response(
            "map.html",
            days=days,
            periods=PERIODS,
            drawn=drawn,
            shown=shown,
            total=sum(group.count for group in shown.groups),
            read=self._read,
            notice=notice,
        )

    def group_of(self, days: int, number: int) -> Sequence[int]:
        """Return the questions in one's group; none before the map is drawn."""
        return self._drawn[days].group_of(number) if days in self._drawn else ()

    def _kept(self, days: int) -> float:
        return _SOON_S if days in self._drawn and self._drawn[days].unread else _KEPT_S

    async def _draw(self, days: int) -> None:
        """Lay out what is read, which is everything unless that takes long.

        Raises:
            ModelError, StorageError: if that cannot be.
        """
        since, vectors = time.time() - days * 86_400, self._records.vectors
        if self._reading is None or self._reading.done():
            self._reading = self._spawn(self._embed(since))
        reading, model = self._reading, self._embedder.fingerprint
        rows: Sequence[tuple[int, bytes]] = ()
        while len(rows) < _LEAST and not reading.done():
            await asyncio.wait({reading}, timeout=_READ_S)
            rows = await vectors.list(model, since=since)
        if reading.done():
            reading.result()
        unread = await vectors.count_unread(model, since=since)
        laid = await asyncio.to_thread(_laid_out, rows) if len(rows) >= _LEAST else None
        numbers = np.array([number for number, _ in rows], np.int64)
        drawn = Drawn(since, numbers, unread, laid)
        await self._look(drawn, days)
        self._drawn[days] = drawn

    async def _embed(self, since: float) -> None:
        """Embed and store what is not yet, the newest first."""
        vectors, model = self._records.vectors, self._embedder.fingerprint
        done, total = 0, await vectors.count_unread(model, since=since)
        while words := await vectors.unread(model, since=since, limit=_STORED):
            said = {number: normalise(text) for number, text in words.items()}
            texts = [*{said[number]: text for number, text in words.items()}.items()]
            known: dict[str, bytes] = {}
            for start in range(0, len(texts), _BATCH):
                self._read = (min(done + start, total), total)
                batch = texts[start : start + _BATCH]
                rows = await self._embedder.embed_queries([text for _, text in batch])
                coarse = np.clip(np.rint(rows * _SCALE), -127, 127).astype(np.int8)
                known |= {key: row.tobytes() for (key, _), row in zip(batch, coarse, strict=True)}
            await vectors.add(model, {number: known[key] for number, key in said.items()})
            done += len(words)

    async def _look(self, drawn: Drawn, days: int) -> Shown:
        """Return a map as the answers stand, made anew only where one was erased or judged."""
        if drawn.map is None:
            return Shown((), {})
        vectors, since, last = self._records.vectors, drawn.since, int(drawn.numbers[-1])
        standing = await vectors.standing(since=since, last=last)
        before, stood, shown = self._shown.get(days, (None, None, Shown((), {})))
        if before is drawn and stood == standing:
            return shown
        outcomes = await vectors.outcomes(since=since, last=last)
        look = await asyncio.to_thread(_look_at, drawn.numbers, drawn.map, outcomes)
        words = await self._records.figures.questions([n for one in look for n in one.telling])
        shown = await asyncio.to_thread(_shown, drawn.map, look, words, days)
        if self._shown.pop(days, None) is None:
            asyncio.get_running_loop().call_later(_KEPT_S, self._shown.pop, days, None)
        self._shown[days] = drawn, standing, shown
        return shown


def _laid_out(rows: Sequence[tuple[int, bytes]]) -> QuestionMap:
    joined = b"".join(vector for _, vector in rows)
    return lay_out(np.frombuffer(joined, np.int8).reshape(len(rows), -1))


def _look_at(
    numbers: npt.NDArray[np.int64],
    laid: QuestionMap,
    outcomes: Sequence[tuple[int, str, bool | None]],
) -> list[Members]:
    """Return the groups, largest first, as questions stand: number, outcome, whether it helped."""
    names = {name: kind for kind, name in enumerate(KINDS)}
    stands = {n: names["unhelpful" if good is False else outcome] for n, outcome, good in outcomes}
    kinds = np.array([stands.get(number, -1) for number in numbers.tolist()])
    found = []
    for group, middle in enumerate(laid.middles):
        rows = np.flatnonzero((laid.groups == group) & (kinds >= 0))
        if len(rows):
            some = rows[:: len(rows) // _NAMED_FROM + 1]
            typical = middle if kinds[middle] >= 0 else rows[0]
            telling = numbers[[typical, *some[some != typical]]].tolist()
            found.append(Members(rows, kinds[rows], telling))
    return found


def _shown(
    laid: QuestionMap, look: Sequence[Members], words: Mapping[int, str], days: int
) -> Shown:
    """Return a map with the words of its groups' questions."""
    names = name_groups([[words[n] for n in one.telling if n in words] for one in look])
    groups = []
    for telling, one in zip(names, look, strict=True):
        example = short(words.get(one.telling[0], ""), _TITLE_CHARS)
        x, y = np.median(laid.places[one.rows], axis=0).tolist()
        resolved = float(np.isin(one.kinds, _RESOLVED).mean())
        address = address_of(days, {"group": str(one.telling[0])})
        count = len(one.rows)
        groups.append(Group(", ".join(telling) or example, example, count, resolved, address, x, y))
    circles = {}
    for kind, (key, name) in enumerate(KINDS.items()):
        of = [one.rows[one.kinds == kind] for one in look]
        if count := sum(map(len, of)):
            found = _circles(
                laid.places[np.concatenate(of)], np.repeat(range(len(of)), [*map(len, of)])
            )
            circles[key] = name, count, json.dumps(found, separators=(",", ":"))
    # What is rarer is drawn above what is more frequent.
    kinds = dict(sorted(circles.items(), key=lambda one: one[1][1]))
    return Shown(groups, kinds)


def _circles(places: Matrix, groups: npt.NDArray[np.intp]) -> list[list[int]]:
    """Return where points are, in thousandths, those close to each other as one: x, y, how many,
    and the group of most of them."""
    part = np.minimum(places * (_ACROSS, _DOWN), (_ACROSS - 1, _DOWN - 1)).astype(np.intp)
    of, counts = np.unique(part @ (_DOWN, 1), return_inverse=True, return_counts=True)[1:]
    x, y = (np.rint(1000 * np.bincount(of, weights) / counts) for weights in places.T)
    shares = np.zeros((len(counts), groups.max() + 1), np.intp)
    np.add.at(shares, (of, groups), 1)
    found = np.column_stack([x, y, counts, shares.argmax(axis=1)]).astype(int)
    return [row.tolist() for row in found]
