"""The map of the questions: drawn beside the requests, shown with its groups as a table."""

import asyncio
import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from console.figures import NAMES, PERIODS, address_of, days_of
from console.pages import Pages
from core.errors import AnswerdeskError
from core.protocols import Embedder
from core.shown import short
from core.types import Vector
from core.wording import N_, tr
from db.figures import Asked, Figures, Standing, Which
from kb.review.question_map import QuestionMap, lay_out, name_groups
from kb.text.segmentation import normalise

_MOST = 2_000
"""Questions that are drawn; of more a sample, the same from day to day, so that few are embedded
anew."""
_LEAST = 5
_BATCH = 16
"""Embedded at a time: a customer's question waits for no more of them."""
_REMEMBERED = 10_000
"""Vectors, 15 MB of them; no words are kept."""
_KEPT_S = 300
_AT_ONCE_S = 0.5
"""A page waits for so long before it says how far the map is."""
WIDTH, HEIGHT, _MARGIN = 1000, 600, 20
_APART, _TURN = 3.0, 2.4
"""The same question again is drawn around the first, on a spiral."""
_TITLE_CHARS = 120
KINDS: Mapping[str, str] = {
    **{kind: name for kind, name in NAMES.items() if kind != "other"},
    "unhelpful": N_("Did not help"),
}
"""What a point's colour tells."""

Spawn: TypeAlias = Callable[[Coroutine[Any, Any, "Drawn"]], "asyncio.Task[Drawn]"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map, without words, so that nothing is shown that was erased meanwhile."""

    numbers: Sequence[int]
    """The questions that are on it."""
    total: int
    """How many there are."""
    map: QuestionMap | None
    """``None``: too few for one."""

    def group_of(self, number: int) -> Sequence[int]:
        """Return the questions in one's group."""
        if self.map is None or number not in self.numbers:
            return ()
        groups = self.map.groups
        mine = groups[self.numbers.index(number)]
        return [one for one, group in zip(self.numbers, groups, strict=True) if group == mine]


@dataclass(frozen=True, slots=True)
class Point:
    """A question as it is drawn."""

    x: float
    y: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Group:
    """Questions of like meaning."""

    name: str
    example: str
    points: Sequence[Point]
    resolved: float
    """Share, 0 to 1."""
    address: str
    x: float
    """Of its number on the map."""
    y: float


class MapPages:
    """Endpoint of the map."""

    def __init__(self, *, pages: Pages, figures: Figures, embedder: Embedder, spawn: Spawn) -> None:
        """`spawn` does something beside the requests, until the service ends."""
        self._pages = pages
        self._figures = figures
        self._embedder = embedder
        self._spawn = spawn
        self._drawings: dict[int, tuple[float, asyncio.Task[Drawn]]] = {}
        self._embedding = asyncio.Lock()
        self._vectors: dict[bytes, Vector] = {}
        self._read = (0, 0)
        self._shown: dict[int, tuple[Drawn, Standing, list[Group]]] = {}
        """What was shown of each period; it has words, so it is checked and soon forgotten."""

    async def show(self, request: Request) -> Response:
        """Show the map of the last days, or how far it is."""
        days, notice = days_of(request), ""
        began, drawing = self._drawings.get(days, (0.0, None))
        if drawing is None or (drawing.done() and time.monotonic() - began >= _KEPT_S):
            drawing = self._spawn(self._draw(days))
            self._drawings[days] = (time.monotonic(), drawing)
        await asyncio.wait({drawing}, timeout=_AT_ONCE_S)
        drawn, groups = None, []
        if drawing.done():
            try:
                drawn = drawing.result()
                groups = await self._groups(drawn, days)
            except AnswerdeskError as error:
                self._drawings.pop(days, None)
                notice = tr("The map cannot be drawn now: %(reason)s", reason=error)
        counts = Counter(point.kind for group in groups for point in group.points)
        return self._pages.response(
            "map.html",
            days=days,
            periods=PERIODS,
            drawn=drawn,
            groups=groups,
            kinds={kind: (name, counts[kind]) for kind, name in KINDS.items() if counts[kind]},
            shown=counts.total(),
            read=self._read,
            size=(WIDTH, HEIGHT),
            notice=notice,
        )

    def group_of(self, days: int, number: int) -> Sequence[int]:
        """Return the questions in one's group; none before the map is drawn."""
        _, drawing = self._drawings.get(days, (0.0, None))
        if drawing is None or not drawing.done() or drawing.cancelled() or drawing.exception():
            return ()
        return drawing.result().group_of(number)

    async def _draw(self, days: int) -> Drawn:
        """Embed what is new, and lay it out.

        Raises:
            ModelError, StorageError: if that cannot be.
        """
        since = time.time() - days * 86_400
        total = await self._figures.count(Which(since=since))
        numbers = await self._figures.sample(since=since, most=_MOST)
        async with self._embedding:
            words = await self._figures.questions(numbers)
            keys = {number: _key(words[number]) for number in numbers if number in words}
            if len(self._vectors) > _REMEMBERED:
                self._vectors.clear()
            new = {key: words[n] for n, key in keys.items() if key not in self._vectors}
            texts = list(new.items())
            for start in range(0, len(texts), _BATCH):
                self._read = (start, len(texts))
                batch = texts[start : start + _BATCH]
                rows = await self._embedder.embed_queries([text for _, text in batch])
                self._vectors |= {
                    key: row.copy() for (key, _), row in zip(batch, rows, strict=True)
                }
            vectors = [self._vectors[key] for key in keys.values()]
        laid = await asyncio.to_thread(lay_out, np.stack(vectors)) if len(keys) >= _LEAST else None
        return Drawn([*keys], total, laid)

    async def _groups(self, drawn: Drawn, days: int) -> list[Group]:
        """Return the groups as the answers stand, made anew only where one was erased or judged."""
        if drawn.map is None:
            return []
        standing = await self._figures.standing(drawn.numbers)
        before, stood, groups = self._shown.get(days, (None, None, []))
        if before is drawn and stood == standing:
            return groups
        which = Which(since=0.0, among=drawn.numbers)
        asked = await self._figures.answers(which, limit=len(drawn.numbers))
        groups = await asyncio.to_thread(_groups_of, drawn.numbers, drawn.map, asked, days)
        if self._shown.pop(days, None) is None:
            asyncio.get_running_loop().call_later(_KEPT_S, self._shown.pop, days, None)
        self._shown[days] = drawn, standing, groups
        return groups


def _groups_of(
    numbers: Sequence[int], laid: QuestionMap, asked: Sequence[Asked], days: int
) -> list[Group]:
    """Return the groups, largest first, of the questions that are still there."""
    known = {one.answer_id: one for one in asked}
    members: list[list[int]] = [[] for _ in laid.middles]
    for row, number in enumerate(numbers):
        if number in known:
            members[laid.groups[row]].append(row)
    of_group = [[known[numbers[row]] for row in rows] for rows in members]
    names = name_groups([[one.question for one in group] for group in of_group])
    again: Counter[tuple[float, float]] = Counter()
    found = []
    for rows, group, name, middle in zip(members, of_group, names, laid.middles, strict=True):
        if not rows:
            continue
        example = known.get(numbers[middle], group[0])
        points = [
            _point(one, float(laid.places[row, 0]), float(laid.places[row, 1]), again)
            for row, one in zip(rows, group, strict=True)
        ]
        resolved = sum(p.kind in ("answered", "hedged") for p in points) / len(points)
        shown = short(example.question, _TITLE_CHARS)
        x, y = (
            sorted(of)[len(points) // 2] for of in ([p.x for p in points], [p.y for p in points])
        )
        address = address_of(days, {"group": str(example.answer_id)})
        found.append(Group(", ".join(name) or shown, shown, points, resolved, address, x, y))
    return found


def _point(one: Asked, x: float, y: float, again: Counter[tuple[float, float]]) -> Point:
    """Return where a question is drawn; `again` counts what is at each place."""
    times = again[x, y]
    again[x, y] += 1
    off = _APART * math.sqrt(times)
    return Point(
        _MARGIN + x * (WIDTH - 2 * _MARGIN) + off * math.cos(_TURN * times),
        _MARGIN + y * (HEIGHT - 2 * _MARGIN) + off * math.sin(_TURN * times),
        "unhelpful" if one.helpful is False else one.outcome,
        short(one.question, _TITLE_CHARS),
    )


def _key(question: str) -> bytes:
    return hashlib.blake2b(normalise(question).encode(), digest_size=16).digest()
