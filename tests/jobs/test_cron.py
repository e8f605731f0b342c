"""Slots: each due one exactly once, whatever clocks and pauses do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger

from jobs.cron import last_slot, named_weekdays, slot_name


def slots(cron: str, timezone: str, start: str, hours: int) -> list[str]:
    """Look every quarter of an hour whether a slot is due; return the names of those that ran."""
    trigger = CronTrigger.from_crontab(named_weekdays(cron), timezone=ZoneInfo(timezone))
    begin = seen = datetime.fromisoformat(start).replace(tzinfo=UTC)
    names: dict[str, None] = {}
    for quarter in range(hours * 4 + 1):
        now = begin + timedelta(minutes=15 * quarter)
        slot = last_slot(
            lambda moment: trigger.get_next_fire_time(None, moment), after=seen, until=now
        )
        if slot is not None:
            seen = slot.astimezone(UTC)
            names[slot_name(slot, cron)] = None
    return list(names)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 3 * * 0", "0 3 * * sun"),
        ("0 3 * * 7", "0 3 * * sun"),
        ("0 3 * * 1-5", "0 3 * * mon,tue,wed,thu,fri"),
        ("0 3 * * 0-6", "0 3 * * sun,mon,tue,wed,thu,fri,sat"),
        ("0 3 * * */2", "0 3 * * sun,tue,thu,sat"),
        ("0 3 * * mon-fri", "0 3 * * mon-fri"),
        ("*/5 * * * *", "*/5 * * * *"),
    ],
)
def test_weekday_numbers_mean_what_cron_means(cron: str, expected: str) -> None:
    assert named_weekdays(cron) == expected
    CronTrigger.from_crontab(expected, timezone="UTC")


@pytest.mark.parametrize("cron", ["0 3 * *", "0 3 * * 8", "0 3 * * 5-3"])
def test_what_is_no_schedule_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"fields|no weekday"):
        named_weekdays(cron)


def test_a_fixed_hour_runs_once_when_clocks_go_back() -> None:
    assert slots("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 48) == [
        "2026-10-25T02:30",
        "2026-10-26T02:30",
    ]


def test_a_fixed_hour_is_not_skipped_when_clocks_go_forward() -> None:
    assert len(slots("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 48)) == 2


def test_an_hourly_job_runs_every_hour_when_clocks_go_back() -> None:
    assert len(slots("0 * * * *", "Europe/Berlin", "2026-10-24T12:30", 24)) == 24


def test_in_utc_nothing_is_special() -> None:
    assert len(slots("0 3 * * *", "UTC", "2026-10-20T00:00", 24 * 7)) == 7


def test_of_many_missed_slots_the_last_is_found_and_quickly() -> None:
    trigger = CronTrigger.from_crontab("* * * * *", timezone=UTC)
    calls = 0

    def step(moment: datetime) -> datetime | None:
        nonlocal calls
        calls += 1
        slot: datetime | None = trigger.get_next_fire_time(None, moment)
        return slot

    now = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
    found = last_slot(step, after=now - timedelta(days=900), until=now)
    assert found == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert calls < 3_000


def test_a_yearly_slot_is_found_after_a_long_pause() -> None:
    trigger = CronTrigger.from_crontab("0 0 1 1 *", timezone=UTC)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    found = last_slot(
        lambda moment: trigger.get_next_fire_time(None, moment),
        after=now - timedelta(days=800),
        until=now,
    )
    assert found == datetime(2026, 1, 1, tzinfo=UTC)
