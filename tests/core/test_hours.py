"""When the team is there."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from core.hours import WorkingHours

OFFICE = WorkingHours.parse(
    ["mon-fri 09:00-12:00", "mon-fri 13:00-17:00", "sat 10:00-14:00"], "UTC"
)


@pytest.mark.parametrize(
    ("now", "back"),
    [
        ("2026-11-23 09:00", None),  # Monday
        ("2026-11-23 16:59", None),
        ("2026-11-23 12:30", "2026-11-23 13:00"),
        ("2026-11-23 17:00", "2026-11-24 09:00"),
        ("2026-11-27 20:00", "2026-11-28 10:00"),  # Friday
        ("2026-11-28 15:00", "2026-11-30 09:00"),  # Saturday
        ("2026-11-30 08:59", "2026-11-30 09:00"),
    ],
)
def test_the_next_opening(now: str, back: str | None) -> None:
    found = OFFICE.next_opening(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (found and found.strftime("%Y-%m-%d %H:%M")) == back


def test_without_hours_somebody_is_always_there() -> None:
    assert WorkingHours().next_opening(datetime(2026, 11, 22, 3, tzinfo=UTC)) is None


def test_hours_are_those_of_the_time_zone_also_when_clocks_change() -> None:
    berlin = WorkingHours.parse(["sun 01:00-05:00"], "Europe/Berlin")
    spring = datetime(2026, 3, 29, 2, 59, tzinfo=UTC)  # 04:59 there, an hour earlier by yesterday
    assert berlin.next_opening(spring) is None
    back = berlin.next_opening(datetime(2026, 3, 29, 3, 0, tzinfo=UTC))
    assert back == datetime(2026, 4, 5, 1, tzinfo=ZoneInfo("Europe/Berlin"))


def test_a_day_may_last_until_midnight_and_days_go_round() -> None:
    late = WorkingHours.parse(["sat-mon 12:00-23:59"], "UTC")
    assert late.next_opening(datetime(2026, 11, 22, 23, 59, 30, tzinfo=UTC)) is None
    assert late.next_opening(datetime(2026, 11, 24, 12, tzinfo=UTC)) is not None
    assert late.next_opening(datetime(2026, 11, 23, 12, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("line", "zone", "says"),
    [
        ("monday 9-5", "UTC", "'monday 9-5' is no time; write it as mon-fri 09:00-17:30"),
        ("mon-xyz 09:00-17:00", "UTC", "there is no day 'xyz'"),
        ("mon 09:00-25:00", "UTC", "a time is between 00:00 and 23:59"),
        ("mon 17:00-09:00", "UTC", "the end must be later than the begin"),
        ("mon 09:00-17:00", "Berlin", "there is no time zone 'Berlin'"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(line: str, zone: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        WorkingHours.parse([line], zone)
