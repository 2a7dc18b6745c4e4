"""What a schedule saves: hours that are billed, hours that are not, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.stop_start.table import aligned
from lib.stop_start.window import Window

WEEK = 7 * 24.0
MONTH = 365.25 * 24 / 12

LOOK_BACK = timedelta(days=366)
"""Where it is seen whether the environment runs when the time begins."""

MONEY = ("cost", "cost_without", "saved")

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Saving:
    """Hours and transitions, of some time or on average."""

    hours: float
    billed: float
    usable: float
    """Running, and neither being created nor deleted."""
    stops: float
    starts: float

    @property
    def off(self) -> float:
        """The hours that are not billed."""
        return self.hours - self.billed

    def per(self, hours: float) -> Saving:
        """On average in so many hours."""
        share = hours / self.hours
        return Saving(hours, *(share * part for part in (self.billed, self.usable, self.stops, self.starts)))

    def facts(self, rate: float | None) -> dict[str, float]:
        """For a program."""
        hours = {"hours": self.hours, "usable": self.usable, "billed": self.billed, "not_billed": self.off}
        money = (
            dict(zip(MONEY, (rate * part for part in (self.billed, self.hours, self.off)), strict=True)) if rate else {}
        )
        found = {**hours, "stops": self.stops, "starts": self.starts, **money}
        return {name: round(value, 2) for name, value in found.items()}


@dataclass(frozen=True)
class Report:
    """The saving of one environment, and what was assumed."""

    window: Window
    transition_mins: int
    rate: float | None

    @property
    def saving(self) -> Saving:
        """What the schedule comes to in the window."""
        return saving(self.window, timedelta(minutes=self.transition_mins))

    def averages(self) -> dict[str, Saving]:
        """A week, a month, and the whole window."""
        whole = self.saving
        days = round(whole.hours / 24)
        return {"a week": whole.per(WEEK), "a month": whole.per(MONTH), f"these {days} days": whole}

    def facts(self) -> dict[str, object]:
        """For a program."""
        week, month, whole = (found.facts(self.rate) for found in self.averages().values())
        assumed = {"transition_mins": self.transition_mins, "rate": self.rate}
        return {**assumed, "week": week, "month": month, "whole": whole}

    def text(self) -> str:
        """The saving as a table, and what was assumed."""
        cells = [
            [name, *(f"{value:,.{2 if fact in MONEY else 1}f}" for fact, value in found.facts(self.rate).items())]
            for name, found in self.averages().items()
        ]
        heads = [fact.replace("_", " ").upper() for fact in self.saving.facts(self.rate)]
        lines = aligned([["", *heads], *cells], right=True)
        return "\n".join([self.window.title, "", *lines, "", self._assumed()])

    def _assumed(self) -> str:
        share = self.saving.off / self.saving.hours
        rate = f" An hour costs {self.rate:g}." if self.rate else " No rate is known: MWAA_COST_PER_HOUR or --rate."
        return (
            f"{share:.1%} of the hours are not billed. Assumed: a stop and a start take {self.transition_mins} minutes "
            f"each, and these are billed.{rate} Overrides and change calendars are not looked at."
        )


def saving(window: Window, transition: timedelta) -> Saving:
    """What the schedules come to, each stop and start taking so long; days off are looked at.

    A start that is due ends the time that is not billed; a stop that is due begins it when it is over.
    """
    off = list(_off(window))
    hours = (window.ends - window.begins) / HOUR
    not_billed = sum(_hours(window, begins + transition, ends) for begins, ends in off)
    unusable = sum(_hours(window, begins, ends + transition) for begins, ends in off)
    stops, starts = (sum(map(window.has, ends)) for ends in zip(*off, strict=True)) if off else (0, 0)
    return Saving(hours, hours - not_billed, hours - unusable, stops, starts)


def _off(window: Window) -> Iterator[tuple[datetime, datetime]]:
    """From each stop that is due to the start after it; days off and repetitions are left out."""
    before = Window(window.environment, window.begins - LOOK_BACK, window.ends)
    stopped: datetime | None = None
    for found, day in before.due():
        if found.what == "stop":
            stopped = stopped or found.at
        elif stopped and not day:
            yield stopped, found.at
            stopped = None
    if stopped:
        yield stopped, window.ends


def _hours(window: Window, begins: datetime, ends: datetime) -> float:
    """How much of a time belongs to the window."""
    return max((min(ends, window.ends) - max(begins, window.begins)) / HOUR, 0)
