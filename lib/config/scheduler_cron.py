"""The cron expressions of EventBridge Scheduler, and when they fire in a time zone."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from lib.config.cron import DAY_OF_MONTH, DAYS, HOUR, MINUTE, MONTH, CronField
from lib.config.kinds import Kind

DAY_OF_WEEK = CronField("day of week", 1, 7, DAYS)
YEAR = CronField("year", 1970, 2199)

DayRule = Callable[[date], bool]

REFERENCE_YEAR = 2028
"""A leap year to look at where an expression names none; the clock is never asked."""


@dataclass(frozen=True)
class SchedulerCron:
    """When something is due, on the clock of some time zone."""

    fields: str
    """The six fields, without `cron()`."""
    times: tuple[time, ...] = field(compare=False)
    years: tuple[int, ...] = field(compare=False)
    """Empty: every year."""
    is_on: DayRule = field(compare=False, repr=False)
    """Whether a day of one of the years is meant."""

    @property
    def expression(self) -> str:
        """The expression as EventBridge Scheduler takes it."""
        return f"cron({self.fields})"

    def instants(self, zone: ZoneInfo, first: date, days: int) -> Iterator[datetime]:
        """When it fires, in UTC and in order; a time that the clock skips is left out, one that it repeats counts once.

        From https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (daylight saving time).
        """
        for day in self._days(first, days):
            yield from sorted(filter(None, (_instant(day, at, zone) for at in self.times)))

    def skipped(self, zone: ZoneInfo, first: date, days: int) -> Iterator[datetime]:
        """The local times at which it does not fire, since the clock skips them."""
        for day in self._days(first, days):
            yield from (datetime.combine(day, at, zone) for at in self.times if not _instant(day, at, zone))

    def _days(self, first: date, days: int) -> Iterator[date]:
        """The days that are meant."""
        for day in (first + timedelta(days=number) for number in range(days)):
            if (not self.years or day.year in self.years) and self.is_on(day):
                yield day


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    local = datetime.combine(day, at, zone)
    instant = local.astimezone(timezone.utc)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def scheduler_cron(text: str) -> SchedulerCron:
    """Read six fields, with or without `cron()` around them; raises ValueError.

    >>> scheduler_cron("0 20 ? * MON-FRI *").expression
    'cron(0 20 ? * MON-FRI *)'
    """
    inner = re.fullmatch(r"cron\((.*)\)", text, re.IGNORECASE)
    fields = (inner[1] if inner else text).split()
    if len(fields) != 6:
        raise ValueError(f"{len(fields)} fields")
    minute, hour, day, month, weekday, year = fields
    if [day, weekday].count("?") != 1:
        raise ValueError("one of day of month and day of week has to be ?, the other not")
    months = MONTH.numbers(month)
    rule = _month_day(day) if weekday == "?" else _week_day(weekday)
    cron = SchedulerCron(
        fields=" ".join(fields),
        times=tuple(time(h, m) for h in sorted(HOUR.numbers(hour)) for m in sorted(MINUTE.numbers(minute))),
        years=() if year == "*" else tuple(sorted(YEAR.numbers(year))),
        is_on=lambda on: on.month in months and rule(on),
    )
    if not any(map(cron.is_on, _days(*(cron.years or (REFERENCE_YEAR,))))):
        raise ValueError("there is no such day")
    return cron


def _days(*years: int) -> Iterator[date]:
    for year in years:
        yield from (
            date(year, 1, 1) + timedelta(days=number) for number in range(366 if calendar.isleap(year) else 365)
        )


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _month_day(text: str) -> DayRule:
    if text.upper() == "L":
        return lambda on: on.day == _last(on)
    if found := re.fullmatch(r"(\d{1,2})W", text, re.IGNORECASE | re.ASCII):
        near = DAY_OF_MONTH.number(found[1])
        return lambda on: on.day == _nearest_working_day(on, near)
    days = DAY_OF_MONTH.numbers(text)
    return lambda on: on.day in days


def _nearest_working_day(on: date, near: int) -> int:
    """The day from Monday to Friday of that month that is nearest to one of its days."""
    if near > _last(on):
        return 0
    day = on.replace(day=near)
    if day.weekday() == calendar.SATURDAY:
        return near - 1 if near > 1 else near + 2
    if day.weekday() == calendar.SUNDAY:
        return near + 1 if near < _last(on) else near - 2
    return near


def _week_day(text: str) -> DayRule:
    if text.upper() == "L":
        return lambda on: _number(on) == DAY_OF_WEEK.high
    if found := re.fullmatch(r"([1-7]|[A-Z]{3})L", text, re.IGNORECASE):
        last = DAY_OF_WEEK.number(found[1])
        return lambda on: _number(on) == last and on.day > _last(on) - 7
    if found := re.fullmatch(r"([1-7]|[A-Z]{3})#([1-5])", text, re.IGNORECASE):
        weekday, week = DAY_OF_WEEK.number(found[1]), int(found[2])
        return lambda on: _number(on) == weekday and (on.day - 1) // 7 + 1 == week
    days = DAY_OF_WEEK.numbers(text)
    return lambda on: _number(on) in days


def _number(day: date) -> int:
    """1 is Sunday, as in the expressions."""
    return day.isoweekday() % 7 + 1


SCHEDULER_CRON = Kind(
    "a cron expression of six fields (minute, hour, day of month, month, day of week, year), as 0 20 ? * MON-FRI *",
    scheduler_cron,
)
