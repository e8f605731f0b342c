"""What was used last, kept in memory up to a limit."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key; those that were not used for longest go first. For one thread at a time."""

    def __init__(self, most: int, *, size: Callable[[V], int] = lambda _: 1) -> None:
        """Keep values of `most` in all, each counted by its `size`."""
        self._most = most
        self._size = size
        self._left = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def get(self, key: K) -> V | None:
        """Return a value, which counts as its use; ``None``: it is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value; not one that alone is more than all may be."""
        if self._size(value) <= self._most:
            self.drop(key)
            self._left -= self._size(value)
            self._values[key] = value
        while self._left < 0:
            self.drop(next(iter(self._values)))

    def drop(self, key: K) -> None:
        """Forget a value, if it is kept."""
        if key in self._values:
            self._left += self._size(self._values.pop(key))

    def drop_where(self, which: Callable[[K], bool]) -> None:
        """Forget the values of some keys."""
        for key in [key for key in self._values if which(key)]:
            self.drop(key)
