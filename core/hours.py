"""When people work: days of the week with times, in one time zone. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.wording import tr

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_LINE = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+"
    r"(?P<begin>\d{1,2}:\d{2})-(?P<end>\d{1,2}:\d{2})"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A time of one weekday."""

    weekday: int
    """0 is Monday."""
    begin: time
    end: time
    """Later than `begin`; 23:59 lasts until midnight."""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """A team's hours; without any it is always there."""

    spans: tuple[Span, ...] = ()
    timezone: str = "UTC"

    @classmethod
    def parse(cls, lines: Sequence[str], timezone: str) -> "WorkingHours":
        """Read lines such as ``mon-fri 09:00-17:30``; a day may have several.

        Raises:
            ValueError: naming the line or the time zone that cannot be read, and how to write it.
        """
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                tr(
                    "there is no time zone %(name)r; write one as Europe/Berlin or UTC",
                    name=timezone,
                )
            ) from None
        spans = [span for line in lines for span in _spans(line)]
        return cls(tuple(sorted(spans, key=lambda s: (s.weekday, s.begin))), timezone)

    def next_opening(self, now: datetime) -> datetime | None:
        """Return when the team is back, in its time zone; ``None`` if it is there now."""
        zone = ZoneInfo(self.timezone)
        here = now.astimezone(zone)
        if not self.spans:
            return None
        for ahead in range(8):
            day = here.date() + timedelta(days=ahead)
            for span in self.spans:
                if span.weekday != day.weekday():
                    continue
                begin = datetime.combine(day, span.begin, zone)
                end = datetime.combine(day, span.end, zone)
                if span.end == time(23, 59):
                    end += timedelta(minutes=1)
                # In UTC: on a day when clocks change, local times are no measure.
                if begin.astimezone(UTC) <= now.astimezone(UTC) < end.astimezone(UTC):
                    return None
                if begin.astimezone(UTC) > now.astimezone(UTC):
                    return begin
        raise AssertionError("A week has every weekday.")


def _spans(line: str) -> list[Span]:
    found = _LINE.fullmatch(line.strip().lower())
    if found is None:
        raise ValueError(
            tr("%(line)r is no time; write it as mon-fri 09:00-17:30 or sat 10:00-14:00", line=line)
        )
    first, last = found["first"], found["last"] or found["first"]
    for day in (first, last):
        if day not in DAYS:
            known = ", ".join(DAYS)
            raise ValueError(
                tr(
                    "%(line)r: there is no day %(day)r; they are %(known)s",
                    line=line,
                    day=day,
                    known=known,
                )
            )
    try:
        begin, end = (datetime.strptime(found[k], "%H:%M").time() for k in ("begin", "end"))  # noqa: DTZ007
    except ValueError:
        raise ValueError(tr("%(line)r: a time is between 00:00 and 23:59", line=line)) from None
    if end <= begin:
        raise ValueError(
            tr("%(line)r: the end must be later than the begin; midnight is 23:59", line=line)
        )
    start, stop = DAYS.index(first), DAYS.index(last)
    days = range(start, stop + 1) if start <= stop else [*range(start, 7), *range(stop + 1)]
    return [Span(day, begin, end) for day in days]
