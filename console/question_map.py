"""The map of questions: drawn in the background, shown with a table of its groups."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
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
from db.question_vectors import LAST, Standing, Stored
from kb.review.question_map import QuestionMap, lay_out, name_groups
from kb.text.segmentation import normalise

_LEAST = 5
_BATCH = 16
"""Questions embedded at a time: a customer waits for no more."""
_STORED = 512
"""Vectors stored at a time."""
_SCALE = 256
"""A component of .5 is 128; few of a vector of length 1 are greater."""
_READ_S = 5
"""Seconds that a drawing waits for questions not embedded yet."""
_KEPT_S, _SOON_S = 300, 60
"""Seconds for which a map is kept, and one for which questions are still being read."""
_AT_ONCE_S = 0.2
"""Seconds after which a page shows the progress instead of the map."""
_ACROSS, _DOWN = 80, 48
"""Questions of one such part of the map and one outcome are drawn as one circle."""
_NAMED_FROM = 200
"""Questions from which a group's name is made."""
_TITLE_CHARS = 120
KINDS: Mapping[str, str] = {
    **{kind: name for kind, name in NAMES.items() if kind != "other"},
    "unhelpful": N_("Did not help"),
}
"""The meaning of a circle's colour."""


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
class Drawn:
    """A map; it has words, so it is checked at each look and soon forgotten."""

    since: float
    unread: int
    """How many questions are not on it yet."""
    standing: Standing
    group_of: Mapping[int, int] = field(default_factory=dict)
    """The group of each question that is on it."""
    groups: Sequence[Group] = ()
    """Largest first; none: there are too few questions."""
    kinds: Sequence[tuple[str, int, str]] = ()
    """Key in `KINDS`, how many, and the circles as JSON: x and y in thousandths, how many, group;
    the rarest first, which are drawn above the others."""


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
        self._drawings: dict[int, asyncio.Task[Drawn]] = {}
        self._groups: dict[int, Mapping[int, int]] = {}
        """Of the last map of each period, without words."""
        self._reading: asyncio.Task[None] | None = None
        self._read = (0, 0)

    async def show(self, request: Request) -> Response:
        """Show the map of the last days, or how far it is."""
        days, drawn, notice = days_of(request), None, ""
        try:
            drawn = await self._latest(days)
        except AnswerdeskError as error:
            self._drawings.pop(days, None)
            notice = tr("The map cannot be drawn now: %(reason)s", reason=error)
        return self._pages.response(
            "map.html",
            days=days,
            periods=PERIODS,
            drawn=drawn,
            kinds=KINDS,
            read=self._read,
            notice=notice,
        )

    def group_of(self, days: int, number: int) -> Sequence[int]:
        """Return the questions in one's group; none before the map is drawn."""
        groups = self._groups.get(days, {})
        return [one for one, group in groups.items() if group == groups.get(number)]

    async def _latest(self, days: int) -> Drawn | None:
        """Return the map; it is drawn anew if an answer was erased or judged since. ``None``: that
        takes a while."""
        drawing = self._drawings.get(days)
        if drawing is not None and drawing.done():
            drawn = drawing.result()
            standing = self._records.vectors.standing
            if drawn.standing == await standing(drawn.since, last=drawn.standing[-1]):
                return drawn
            drawing = None
        if drawing is None:
            drawing = self._drawings[days] = self._spawn(self._draw(days))
        await asyncio.wait({drawing}, timeout=_AT_ONCE_S)
        return drawing.result() if drawing.done() else None

    async def _draw(self, days: int) -> Drawn:
        """Draw what is read, which is everything unless that takes long.

        Raises:
            ModelError, StorageError: if that cannot be.
        """
        since, vectors = time.time() - days * 86_400, self._records.vectors
        if self._reading is None or self._reading.done():
            self._reading = self._spawn(self._embed(since))
        reading, model = self._reading, self._embedder.fingerprint
        while True:
            await asyncio.wait({reading}, timeout=_READ_S)
            standing = await vectors.standing(since)
            rows = await vectors.list(model, since, last=standing[-1])
            if reading.done() or len(rows) >= _LEAST:
                break
        if reading.done():
            reading.result()
        unread = await vectors.count_unread(model, since)
        forget = partial(self._drawings.pop, days, None)
        asyncio.get_running_loop().call_later(_SOON_S if unread else _KEPT_S, forget)
        drawn = Drawn(since, unread, standing)
        if len(rows) < _LEAST:
            return drawn
        laid, telling = await asyncio.to_thread(_laid_out, rows)
        words = await self._records.figures.questions([one for some in telling for one in some])
        drawn = await asyncio.to_thread(_with_groups, drawn, days, rows, laid, telling, words)
        self._groups[days] = drawn.group_of
        return drawn

    async def _embed(self, since: float) -> None:
        """Embed and store the questions without a vector, the newest first."""
        vectors, model = self._records.vectors, self._embedder.fingerprint
        done, total = 0, await vectors.count_unread(model, since)
        last = LAST
        while words := await vectors.unread(model, since, limit=_STORED, before=last):
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
            done, last = done + len(words), min(words)


def _laid_out(rows: Sequence[Stored]) -> tuple[QuestionMap, list[list[int]]]:
    """Return the map of questions, and of each group some by number, the most typical first."""
    joined = b"".join(row[1] for row in rows)
    laid = lay_out(np.frombuffer(joined, np.int8).reshape(len(rows), -1))
    telling = []
    for group, middle in enumerate(laid.middles):
        members = np.flatnonzero(laid.groups == group)
        some = members[:: len(members) // _NAMED_FROM + 1]
        telling.append([rows[row][0] for row in (middle, *some[some != middle])])
    return laid, telling


def _with_groups(
    drawn: Drawn,
    days: int,
    rows: Sequence[Stored],
    laid: QuestionMap,
    telling: Sequence[Sequence[int]],
    words: Mapping[int, str],
) -> Drawn:
    """Return a map with its groups, named by the words of questions that tell them."""
    kinds = np.array(["unhelpful" if row[3] is False else row[2] for row in rows])
    names = name_groups([[words.get(number, "") for number in some] for some in telling])
    groups = []
    for place, ((typical, *_), name) in enumerate(zip(telling, names, strict=True)):
        mine, example = laid.groups == place, short(words.get(typical, ""), _TITLE_CHARS)
        x, y = np.median(laid.places[mine], axis=0).tolist()
        resolved = float(np.isin(kinds[mine], ("answered", "hedged")).mean())
        address, count = address_of(days, {"group": str(typical)}), int(mine.sum())
        groups.append(Group(", ".join(name) or example, example, count, resolved, address, x, y))
    circles = []
    for kind, count in sorted(Counter(kinds.tolist()).items(), key=lambda one: one[1]):
        found = _circles(laid.places[kinds == kind], laid.groups[kinds == kind])
        circles.append((kind, count, json.dumps(found, separators=(",", ":"))))
    group_of = dict(zip((row[0] for row in rows), laid.groups.tolist(), strict=True))
    return replace(drawn, group_of=group_of, groups=groups, kinds=circles)


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
