"""How long until a reply begins: from how fast replies were lately and how many are before it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NEWEST = 0.2
"""Weight of the newest measurement."""


class Turn:
    """One reply's place among those being written."""

    def __init__(self, pace: "Pace", ahead: int) -> None:
        self._pace = pace
        self._ahead = ahead
        self._started = pace.clock()
        self._begun = False

    @property
    def expected_s(self) -> float:
        """Seconds from now until its first words, at least 0."""
        pace = self._pace
        waited = pace.clock() - self._started
        return max(0.0, pace.first_s + self._ahead * pace.each_s - waited)

    def begin(self) -> None:
        """Note that its first words are there."""
        if not self._begun and not self._ahead:
            waited = self._pace.clock() - self._started
            self._pace.first_s = _mixed(self._pace.first_s, waited)
        self._begun = True

    def end(self) -> None:
        """Note that it is complete. The generator had it since the one before was complete."""
        pace = self._pace
        now = pace.clock()
        pace.each_s = _mixed(pace.each_s, now - max(self._started, pace.last_end))
        pace.last_end = now


class Pace:
    """Measures replies as they are written; several at once are measured by what they add up to."""

    def __init__(
        self,
        *,
        first_s: float = 4.0,
        each_s: float = 6.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what is assumed before anything was measured."""
        self.first_s = first_s
        """Seconds until the first words of a reply that has nobody before it."""
        self.each_s = each_s
        """Seconds by which each reply delays the next."""
        self.last_end = float("-inf")
        self.clock = clock
        self._writing = 0

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Count a reply among those being written while the block runs."""
        turn = Turn(self, self._writing)
        self._writing += 1
        try:
            yield turn
        finally:
            self._writing -= 1


def _mixed(old: float, new: float) -> float:
    return (1 - _NEWEST) * old + _NEWEST * new
