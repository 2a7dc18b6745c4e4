"""When environments are going to be stopped and started: days off, daylight saving and overrides included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from lib.functions import clock
from lib.functions.overrides import Override
from lib.stop_start.table import aligned
from lib.stop_start.window import FORMAT, Window

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Row:
    """A transition that is due, one that the clock skips, or a change of the clock."""

    at: datetime
    """On the environment's clock."""
    what: str
    """`stop`, `start` or `clock`."""
    happens: bool
    note: str = ""

    @property
    def facts(self) -> dict[str, object]:
        """For a program."""
        utc = clock.text(self.at.astimezone(timezone.utc))
        return {"at": clock.text(self.at), "utc": utc, "what": self.what, "happens": self.happens, "note": self.note}


def rows(window: Window, override: Override | None = None) -> list[Row]:
    """All that comes, in order."""
    found = [*_due(window, override), *_skipped(window), *_clock_changes(window)]
    return sorted(found, key=lambda row: (row.at.astimezone(timezone.utc), row.what))


def text(window: Window, found: list[Row]) -> str:
    """The rows as a table."""
    cells = [[f"{row.at:{FORMAT}}", _what(row), row.note] for row in found]
    lines = aligned([["WHEN", "WHAT", "NOTE"], *cells]) if cells else ["nothing is due"]
    calendar = window.environment.change_calendar
    hint = [f"No start happens while the change calendar {calendar} is closed; it was not asked."] if calendar else []
    return "\n".join([window.title, "", *lines, *([""] if hint else []), *hint])


def _what(row: Row) -> str:
    return row.what if row.happens else f"no {row.what}"


def _due(window: Window, override: Override | None) -> Iterator[Row]:
    for found, day in window.due():
        at = window.local(found.at)
        notes = [f"{day.day} is a day off"] if day else []
        if override and override.hinders(found.what, found.at):
            notes.append(override.words)
        happens = not notes
        if at.replace(fold=1).utcoffset() != at.replace(fold=0).utcoffset():
            notes.append("the clock shows this time twice: it happens once")
        yield Row(at, found.what, happens, "; ".join(notes))


def _skipped(window: Window) -> Iterator[Row]:
    environment = window.environment
    for what, schedule in (("stop", environment.stop_schedule), ("start", environment.start_schedule)):
        for at in schedule.skipped(window.zone, window.first, window.days):
            if window.has(at.astimezone(timezone.utc)):
                yield Row(at, what, happens=False, note="the clock skips this time")


def _clock_changes(window: Window) -> Iterator[Row]:
    hour = window.begins.replace(minute=0, second=0, microsecond=0)
    while hour < window.ends:
        if window.local(hour).utcoffset() != window.local(hour + HOUR).utcoffset():
            at = _change(window, hour)
            if window.has(at):
                yield Row(window.local(at), "clock", happens=True, note=_set(window, at))
        hour += HOUR


def _change(window: Window, hour: datetime) -> datetime:
    """The minute after an hour in which the clock is changed."""
    before = window.local(hour).utcoffset()
    minutes = (hour + timedelta(minutes=number) for number in range(1, 61))
    return next(at for at in minutes if window.local(at).utcoffset() != before)


def _set(window: Window, at: datetime) -> str:
    before, after = window.local(at - timedelta(minutes=1)), window.local(at)
    shown = before + timedelta(minutes=1)  # on a clock that nobody changes
    way = "forward" if after.replace(tzinfo=None) > shown.replace(tzinfo=None) else "back"
    return f"the clock is set {way} from {shown:%H:%M} {before:%Z} to {after:%H:%M} {after:%Z}"
