"""When an environment is stopped and started, and where its two schedules contradict each other."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from lib.config.scheduler_cron import REFERENCE_YEAR
from lib.config.start_stop_sections import Environment

DAYS = 366 + 7
"""A year and the week after it, so that the turn of the year is looked at, too."""


@dataclass(frozen=True, order=True)
class Due:
    """A transition that is due; on a tie the start comes before the stop."""

    at: datetime
    what: str
    """`start` or `stop`."""


@dataclass(frozen=True)
class Collision:
    """A transition that is due before the one before it can be over."""

    of: str
    after: str
    example: str


@dataclass(frozen=True)
class DayOff:
    """A day in the time zone of an environment, from its first moment to that of the next day."""

    day: date
    begins: datetime
    ends: datetime

    @property
    def payload(self) -> dict[str, str]:
        """As a function is told of it: Lambda need not know time zones."""
        return {"day": self.day.isoformat(), "begins": self.begins.isoformat(), "ends": self.ends.isoformat()}


def days_off(environment: Environment) -> tuple[DayOff, ...]:
    """The days on which an environment is not started, in UTC."""
    zone = ZoneInfo(environment.time_zone)
    return tuple(DayOff(day, _begin(day, zone), _begin(day + timedelta(days=1), zone)) for day in environment.days_off)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day, also where the clock skips midnight."""
    return datetime.combine(day, time.min, zone).astimezone(timezone.utc)


def due(environment: Environment, first: date, days: int) -> Iterator[Due]:
    """All transitions from the first day on, in order; days off are not looked at."""
    zone = ZoneInfo(environment.time_zone)
    stops = (Due(at, "stop") for at in environment.stop_schedule.instants(zone, first, days))
    starts = (Due(at, "start") for at in environment.start_schedule.instants(zone, first, days))
    return heapq.merge(stops, starts)


def collisions(environment: Environment, stop_mins: int, start_mins: int) -> Iterator[Collision]:
    """The first collision in any year that the schedules tell apart, if there is one."""
    zone = ZoneInfo(environment.time_zone)
    years = {*environment.stop_schedule.years, *environment.start_schedule.years} or {REFERENCE_YEAR}
    for year in sorted(years):
        for before, after in itertools.pairwise(due(environment, date(year, 1, 1), DAYS)):
            gap = after.at - before.at
            if gap < timedelta(minutes=stop_mins if before.what == "stop" else start_mins):
                yield Collision(after.what, before.what, _example(before, after, zone))
                return


def _example(before: Due, after: Due, zone: ZoneInfo) -> str:
    minutes = (after.at - before.at) // timedelta(minutes=1)
    return f"the {after.what} of {after.at.astimezone(zone):%Y-%m-%d %H:%M} comes {minutes} after the {before.what}"
