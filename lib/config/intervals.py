"""The longest time between two runs of a schedule that Airflow takes."""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Callable
from datetime import date, timedelta

from lib.config.cron import AIRFLOW_FIELDS, PRESETS, is_of_weeks

CYCLE_DAYS = 28 * 365 + 7
"""After these days the same dates fall on the same days of the week again, with the same leap years."""
CYCLE_BEGINS = date(2001, 1, 1)

DayRule = Callable[[date], bool]


def longest_interval_mins(schedule: str) -> int:
    """The minutes between two runs that are furthest from each other, in UTC.

    >>> longest_interval_mins("@daily"), longest_interval_mins("0 8-20/4 * * MON-FRI")
    (1440, 3600)
    """
    minute, hour, month_day, month, weekday = PRESETS.get(schedule, schedule).split()
    minutes, hours = AIRFLOW_FIELDS[0].numbers(minute), AIRFLOW_FIELDS[1].numbers(hour)
    times = sorted(at_hour * 60 + at_minute for at_hour in hours for at_minute in minutes)
    on_the_same_day = [later - earlier for earlier, later in itertools.pairwise(times)]
    over_night = _longest_days(_is_on(month_day, month, weekday)) * 24 * 60 + times[0] - times[-1]
    return max([*on_the_same_day, over_night])


def _longest_days(is_on: DayRule) -> int:
    """The days between two days on which it runs, at most."""
    days = [number for number in range(CYCLE_DAYS) if is_on(CYCLE_BEGINS + timedelta(days=number))]
    return max(later - earlier for earlier, later in itertools.pairwise([*days, days[0] + CYCLE_DAYS]))


def _is_on(month_day: str, month: str, weekday: str) -> DayRule:
    """The days that three fields mean; one of day of month and day of week is enough where both are restricted.

    As croniter has it, which Airflow reads them with.
    """
    months = AIRFLOW_FIELDS[3].numbers(month)
    on_month_day, on_weekday = _month_day(month_day), _week_day(weekday)
    if on_month_day and on_weekday:
        return lambda on: on.month in months and (on_month_day(on) or on_weekday(on))
    rule = on_month_day or on_weekday
    return lambda on: on.month in months and (rule is None or rule(on))


def _month_day(text: str) -> DayRule | None:
    """None: every day."""
    items = text.upper().split(",")
    with_last, others = "L" in items, ",".join(item for item in items if item != "L")
    days = AIRFLOW_FIELDS[2].numbers(others) if others else frozenset()
    if len(days) == 31:
        return None
    return lambda on: on.day in days or (with_last and on.day == _last(on))


def _week_day(text: str) -> DayRule | None:
    """None: every day; a day may be that of a week of the month, as 5#3 or L5."""
    field = AIRFLOW_FIELDS[4]
    if not is_of_weeks(text):
        days = {number % 7 for number in field.numbers(text)}
        return None if len(days) == 7 else lambda on: on.isoweekday() % 7 in days
    weeks = [item.partition("#") for item in text.upper().split(",")]
    counted = {(field.number(day) % 7, int(week)) for day, _, week in weeks if week}
    last = {field.number(day.removeprefix("L")) % 7 for day, _, week in weeks if not week}

    def is_on(on: date) -> bool:
        day = on.isoweekday() % 7
        return (day, (on.day - 1) // 7 + 1) in counted or (day in last and on.day > _last(on) - 7)

    return is_on


def _last(on: date) -> int:
    return calendar.monthrange(on.year, on.month)[1]
