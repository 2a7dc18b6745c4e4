"""The time that a preview or a report looks at, and what is due in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from lib.config.start_stop_sections import Environment
from lib.config.transitions import DayOff, Due, days_off, due
from lib.functions import clock

FORMAT = "%a %Y-%m-%d %H:%M %Z"


@dataclass(frozen=True)
class Window:
    """From a moment on and before another one, on the clock of an environment."""

    environment: Environment
    begins: datetime
    ends: datetime

    @classmethod
    def of_days(cls, environment: Environment, first: date, days: int) -> Window:
        """Whole days of the environment's time zone."""
        zone = ZoneInfo(environment.time_zone)
        begins, ends = (datetime.combine(day, time.min, zone) for day in (first, first + timedelta(days=days)))
        return cls(environment, begins.astimezone(timezone.utc), ends.astimezone(timezone.utc))

    @classmethod
    def today(cls, environment: Environment) -> date:
        """The day that it is there."""
        return clock.now().astimezone(ZoneInfo(environment.time_zone)).date()

    @property
    def facts(self) -> dict[str, object]:
        """For a program."""
        named = {"environment": self.environment.name, "time_zone": self.environment.time_zone}
        ends = {"begins": clock.text(self.local(self.begins)), "ends": clock.text(self.local(self.ends))}
        return {**named, **ends}

    @property
    def zone(self) -> ZoneInfo:
        """The environment's time zone."""
        return ZoneInfo(self.environment.time_zone)

    @property
    def first(self) -> date:
        """The day on which it begins."""
        return self.begins.astimezone(self.zone).date()

    @property
    def days(self) -> int:
        """How many days it touches."""
        return (self.ends.astimezone(self.zone).date() - self.first).days + 1

    def has(self, at: datetime) -> bool:
        """Whether a moment belongs to it."""
        return self.begins <= at < self.ends

    def local(self, at: datetime) -> datetime:
        """A moment on the environment's clock."""
        return at.astimezone(self.zone)

    def due(self) -> Iterator[tuple[Due, DayOff | None]]:
        """Every transition that the schedules want, and the day off that keeps a start from happening."""
        off = days_off(self.environment)
        for found in due(self.environment, self.first, self.days):
            if self.has(found.at):
                days = (day for day in off if found.what == "start" and day.has(found.at))
                yield found, next(days, None)

    @property
    def title(self) -> str:
        """The environment, its zone and the days, last one included."""
        last = self.local(self.ends - timedelta(seconds=1)).date()
        return f"{self.environment.name}, {self.environment.time_zone}, {self.first} to {last}"
