"""A queue that is fair by what work costs, not by how often somebody asks."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Entry(Generic[T]):
    item: T
    asker: str
    cost: float
    end: float


class FairQueue(Generic[T]):
    """Hands out work as if all askers were served at the same time, each at the same speed.

    What would be done first then comes first (weighted fair queueing with equal weights): a short
    question goes before a long one, and who asks for much waits behind all who ask for little, but
    never for ever.
    """

    def __init__(self) -> None:
        self._entries: list[_Entry[T]] = []
        self._ends: dict[str, float] = {}
        """When the last work of each asker would be done."""
        self._now = 0.0
        """Cost that each asker was or could have been served so far."""

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, item: T, *, asker: str, cost: float) -> None:
        """Let an item wait."""
        self._ends[asker] = max(self._now, self._ends.get(asker, 0.0)) + cost
        self._entries.append(_Entry(item, asker, cost, self._ends[asker]))

    def pop(self, fits: Callable[[T], bool] = lambda _: True) -> T | None:
        """Take the item whose turn it is among those that fit; `None` if none does."""
        entry = min(
            (one for one in self._entries if fits(one.item)), key=attrgetter("end"), default=None
        )
        if entry is None:
            return None
        self._now += entry.cost / len({waiting.asker for waiting in self._entries})
        self._entries.remove(entry)
        if not self._entries:  # nobody waits for anybody: what was is forgotten
            self._now = 0.0
            self._ends.clear()
        return entry.item

    def pop_last(self) -> T:
        """Take the item that would come last."""
        entry = max(self._entries, key=attrgetter("end"))
        self._entries.remove(entry)
        return entry.item

    def remove(self, item: T) -> None:
        """Take an item out, if it waits."""
        self._entries = [entry for entry in self._entries if entry.item is not item]

    def clear(self) -> list[T]:
        """Take all items out."""
        items = [entry.item for entry in self._entries]
        self._entries.clear()
        return items
