"""Cron expressions of Airflow and of EventBridge Scheduler."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.config.cron import AIRFLOW_SCHEDULE, CronField
from lib.config.scheduler_cron import scheduler_cron
from tests.support.configuration import refusal

UTC = ZoneInfo("Etc/UTC")


def fires(expression: str, *, first: str, days: int = 1, zone: str = "Etc/UTC") -> list[str]:
    """When it fires, in that zone."""
    instants = scheduler_cron(expression).instants(ZoneInfo(zone), date.fromisoformat(first), days)
    return [f"{at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for at in instants]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0 * * * *",
            "*/15 0-6,22 1,15 * *",
            "0 0 L * *",
            "0 0 1,L 2 *",
            "0 0 * * mon#1,5#3",
            "0 0 * jan-mar mon#1",
            "0 22-2 * * *",
        ),
        *("0 0 * * L5", "5/10 * * * 7", "@quarterly", "0 0 29 2 *"),
    ],
)
def test_what_airflow_takes_is_taken_as_it_is(text: str) -> None:
    assert AIRFLOW_SCHEDULE.read(text) == text


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("0 * * *", "4 fields"),
        ("60 * * * *", "minute: '60' is not 0 to 59"),
        ("0 24 * * *", "hour: '24' is not 0 to 23"),
        ("0 0 0 * *", "day of month: '0' is not 1 to 31"),
        ("0 0 * 13 *", "month: '13' is not 1 to 12"),
        ("0 0 * * MOON", "day of week: 'MOON' is not 0 to 7"),
        ("0 0 * * 8#1", "day of week: '8#1' is not 0 to 7"),
        ("*/0 * * * *", "minute: the step '0' is no number above 0"),
        ("1- * * * *", "minute: '' is not 0 to 59"),
        ("0,, * * * *", "minute: '' is not 0 to 59"),
        ("0 0 31 4,6 *", "there is no such day"),
        ("0 0 30 2 MON", "there is no such day"),
        ("0 0 * * MON#1,FRI", "day of week: some have a week of the month, some have none"),
        ("0 0 1 * L5", "a week of the month is named, and so is a day"),
        ("@often", ""),
        ("@once", ""),
    ],
)
def test_what_airflow_does_not_take_is_refused_with_the_reason(text: str, detail: str) -> None:
    assert refusal(AIRFLOW_SCHEDULE.read, text) == detail


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("0 20 * * MON-FRI", "5 fields"),
        ("rate(5 minutes)", "2 fields"),
        ("0 20 * * MON-FRI *", "one of day of month and day of week has to be ?, the other not"),
        ("0 20 ? * ? *", "one of day of month and day of week has to be ?, the other not"),
        ("0 20 ? * 0 *", "day of week: '0' is not 1 to 7"),
        ("0 20 ? * FRI-MON *", "day of week: the range FRI-MON goes backwards"),
        ("0 20 32 * ? *", "day of month: '32' is not 1 to 31"),
        ("0 20 32W * ? *", "day of month: '32' is not 1 to 31"),
        ("0 20 ? * MON#6 *", "day of week: 'MON#6' is not 1 to 7"),
        ("0 20 ? * MON 1969", "year: '1969' is not 1970 to 2199"),
        ("0 20 30 2 ? *", "there is no such day"),
        ("0 20 29 2 ? 2027", "there is no such day"),
    ],
)
def test_what_the_scheduler_does_not_take_is_refused_with_the_reason(text: str, detail: str) -> None:
    assert refusal(scheduler_cron, text) == detail


def test_an_expression_may_come_with_its_function() -> None:
    assert scheduler_cron("cron(0 20 ? * MON-FRI *)").expression == "cron(0 20 ? * MON-FRI *)"


@pytest.mark.parametrize(
    ("expression", "first", "days", "expected"),
    [
        ("0 20 ? * MON-FRI *", "2026-11-20", 4, ["11-20 20:00", "11-23 20:00"]),
        ("0 20 ? * 1,7 *", "2026-11-20", 4, ["11-21 20:00", "11-22 20:00"]),
        ("15,45 8/8 1 * ? *", "2026-11-01", 2, ["11-01 08:15", "11-01 08:45", "11-01 16:15", "11-01 16:45"]),
        ("0 0 L * ? *", "2028-02-20", 20, ["02-29 00:00"]),
        ("0 0 1W * ? *", "2026-08-01", 10, ["08-03 00:00"]),  # 1 August 2026 is a Saturday
        ("0 0 15W * ? *", "2026-08-01", 31, ["08-14 00:00"]),  # the 15th is a Saturday
        ("0 0 31W * ? *", "2027-01-01", 60, ["01-29 00:00"]),  # the 31st is a Sunday; February has none
        ("0 0 ? * 3#2 *", "2026-11-01", 30, ["11-10 00:00"]),
        ("0 0 ? * FRI#5 *", "2026-10-01", 61, ["10-30 00:00"]),
        ("0 0 ? * 6L *", "2026-11-01", 30, ["11-27 00:00"]),
        ("0 0 ? * L *", "2026-11-20", 7, ["11-21 00:00"]),
        ("0 0 ? * MON 2027", "2026-12-28", 14, ["01-04 00:00"]),
        ("0 0 1 JAN,JUL ? *", "2026-12-30", 5, ["01-01 00:00"]),
    ],
)
def test_a_schedule_fires_when_it_says(expression: str, first: str, days: int, expected: list[str]) -> None:
    assert fires(expression, first=first, days=days) == expected


def test_a_time_that_the_clock_skips_in_spring_does_not_fire() -> None:
    assert fires("30 2 * * ? *", first="2026-03-07", days=3, zone="America/New_York") == ["03-07 02:30", "03-09 02:30"]


def test_a_time_that_the_clock_repeats_in_autumn_fires_once() -> None:
    assert fires("30 1 * * ? *", first="2026-11-01", days=1, zone="America/New_York") == ["11-01 01:30"]


def test_the_wall_clock_stays_when_daylight_saving_changes() -> None:
    instants = list(scheduler_cron("0 6 * * ? *").instants(ZoneInfo("Europe/Berlin"), date(2026, 10, 24), 2))
    assert [at.hour for at in instants] == [4, 5]


@given(st.integers(0, 59), st.integers(0, 59), st.integers(1, 70))
def test_a_range_with_a_step_is_the_range_of_python(low: int, high: int, step: int) -> None:
    field = CronField("minute", 0, 59)
    if low <= high:
        assert field.numbers(f"{low}-{high}/{step}") == set(range(low, high + 1, step))
    else:
        with pytest.raises(ValueError, match="goes backwards"):
            field.numbers(f"{low}-{high}/{step}")


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_range_that_wraps_is_every_day_up_to_its_end(first: int, last: int) -> None:
    days = CronField("day of week", 0, 6, wraps=True).numbers(f"{first}-{last}")
    assert days == {(first + number) % 7 for number in range((last - first) % 7 + 1)}


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Etc/UTC"]),
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_a_daily_schedule_fires_every_day_in_order_but_for_a_time_that_is_skipped(
    zone: str, hour: int, minute: int
) -> None:
    instants = list(scheduler_cron(f"{minute} {hour} * * ? *").instants(ZoneInfo(zone), date(2026, 1, 1), 365))
    assert instants == sorted(instants)
    assert len(instants) >= 364
    assert {(at.astimezone(ZoneInfo(zone)).hour, at.astimezone(ZoneInfo(zone)).minute) for at in instants} == {
        (hour, minute)
    }
    gaps = {later - earlier for earlier, later in itertools.pairwise(instants)}
    assert gaps <= {timedelta(days=days, hours=hours / 2) for days in (1, 2) for hours in range(-2, 3)}


def test_two_schedules_are_equal_when_their_fields_are() -> None:
    assert scheduler_cron("cron(0  6 ? * MON *)") == scheduler_cron("0 6 ? * MON *")
    assert scheduler_cron("0 6 ? * TUE *") != scheduler_cron("0 6 ? * MON *")


def test_instants_are_in_utc() -> None:
    assert next(scheduler_cron("0 6 ? * * *").instants(UTC, date(2026, 1, 1), 1)) == datetime(2026, 1, 1, 6, tzinfo=UTC)
