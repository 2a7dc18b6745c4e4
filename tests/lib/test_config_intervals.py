"""The longest time between two runs of a schedule of Airflow."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.config.intervals import longest_interval_mins
from lib.config.scheduler_cron import scheduler_cron
from tests.support.configuration import recovery

UTC = ZoneInfo("Etc/UTC")
DAY = 24 * 60


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [
        ("*/7 * * * *", 7),
        ("0,10 * * * *", 50),
        ("0 22-2 * * *", 20 * 60),
        ("30 6 * * *", DAY),
        ("0 0 * * MON-FRI", 3 * DAY),
        ("0 0 * * FRI-MON", 4 * DAY),
        ("0 0 * * 7", 7 * DAY),
        ("0 0 1,15 * *", 17 * DAY),
        ("0 0 L * *", 31 * DAY),
        ("0 0 1,L * *", 30 * DAY),
        ("0 0 * * 5#3", 35 * DAY),
        ("0 0 * * MON#1,WED#1", 33 * DAY),
        ("0 0 * * L5", 35 * DAY),
        ("0 0 * * 5#5", 119 * DAY),
        ("0 0 29 2 *", 1461 * DAY),
        ("@hourly", 60),
        ("@daily", DAY),
        ("@weekly", 7 * DAY),
        ("@monthly", 31 * DAY),
        ("@quarterly", 92 * DAY),
        ("@yearly", 366 * DAY),
    ],
)
def test_it_is_the_time_between_the_two_that_are_furthest_apart(schedule: str, minutes: int) -> None:
    assert longest_interval_mins(recovery(PRIMARY_BACKUP_SCHEDULE=schedule, **KEPT).primary.backup_schedule) == minutes


KEPT = {"SECONDARY_BACKUP_EXPIRE_DAYS": "0"}


def test_a_day_of_the_month_and_one_of_the_week_are_both_enough() -> None:
    """As cron has it: the 1st, and each Monday."""
    assert longest_interval_mins("0 0 1 * MON") == 7 * DAY
    assert longest_interval_mins("0 0 */1 * MON") == 7 * DAY
    assert longest_interval_mins("0 0 1 * 0-6") == 31 * DAY


_NUMBERS = st.sets(st.integers(0, 23), min_size=1, max_size=4)


@settings(max_examples=30)
@given(_NUMBERS, _NUMBERS, st.sets(st.sampled_from(["MON", "TUE", "THU", "SUN"]), min_size=1))
def test_it_is_what_the_runs_of_weeks_say(minutes: set[int], hours: set[int], days: set[str]) -> None:
    minute, hour, day = (",".join(map(str, sorted(numbers))) for numbers in (minutes, hours, days))
    cron = scheduler_cron(f"{minute} {hour} ? * {day} *")
    runs = list(cron.instants(UTC, date(2026, 1, 1), 22))
    longest = max(later - earlier for earlier, later in itertools.pairwise(runs))
    assert timedelta(minutes=longest_interval_mins(f"{minute} {hour} * * {day}")) == longest
