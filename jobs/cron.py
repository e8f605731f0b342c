"""Slots of a cron expression. Pure: the trigger that finds the next slot is an argument."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

NextSlot: TypeAlias = Callable[[datetime], datetime | None]
"""The first slot at or after a moment, ``None`` if there is none."""

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_BACK = (timedelta(days=2), timedelta(days=62), timedelta(days=366 * 4))


def named_weekdays(cron: str) -> str:
    """Write the weekday field with names: in APScheduler 3 the number 0 is Monday, not Sunday.

    Raises:
        ValueError: if there are not five fields, or a weekday is above 7.
    """
    parts = cron.split()
    if len(parts) != 5:
        raise ValueError(f"it has {len(parts)} fields instead of five")
    return " ".join([*parts[:4], ",".join(_weekdays(term) for term in parts[4].split(","))])


def _weekdays(term: str) -> str:
    match = re.fullmatch(r"(\*|\d+)(?:-(\d+))?(?:/(\d+))?", term)
    if match is None or term == "*":
        return term
    first, last, step = match.groups()
    if first == "*":
        numbers = range(0, 7, int(step))
    elif last is not None:
        numbers = range(int(first), int(last) + 1, int(step or 1))
    else:
        numbers = range(int(first), 7 if step else int(first) + 1, int(step or 1))
    if not numbers or max(numbers) > 7:
        raise ValueError(f"{term!r} is no weekday: use 0 to 7 (0 and 7 are Sunday) or names")
    return ",".join(dict.fromkeys(_DAYS[number] for number in numbers))


def last_slot(next_slot: NextSlot, *, after: datetime, until: datetime) -> datetime | None:
    """Return the latest slot with `after` < slot ≤ `until`, ``None`` if there is none.

    Looks back in growing steps, so that a long pause costs no walk over every slot in it.
    """
    for back in _LOOK_BACK:
        start = max(after + timedelta(microseconds=1), until - back)
        found = None
        slot = next_slot(start)
        while slot is not None and slot <= until:
            found = slot
            slot = next_slot(slot.astimezone(UTC) + timedelta(microseconds=1))
        if found is not None or start > until - back:
            return found
    return None


def slot_name(slot: datetime, cron: str) -> str:
    """Name a slot so that the same slot never gets two names.

    A fixed hour is named by the wall clock: when clocks go back it comes twice and shall run once.
    Any other slot is named by its moment.
    """
    hour = cron.split()[1]
    if re.fullmatch(r"\d+(,\d+)*", hour):
        return slot.replace(tzinfo=None).isoformat(timespec="minutes")
    return slot.astimezone(UTC).isoformat(timespec="minutes")
