"""The time, asked in one place so that tests can set it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(timezone.utc)


def text(moment: datetime) -> str:
    """A moment as it is recorded and told, to the second.

    >>> text(datetime(2026, 11, 22, 2, 6, 19, 77, tzinfo=timezone.utc))
    '2026-11-22T02:06:19+00:00'
    """
    return moment.isoformat(timespec="seconds")


def moment(text: str) -> datetime:
    """A moment as we write it, or as AWS does; Python 3.10 knows no Z.

    >>> moment("2026-11-22T02:06:19Z") == moment("2026-11-22T03:06:19+01:00")
    True
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def is_past(moment: str, *, after: timedelta = timedelta(0)) -> bool:
    """Whether a recorded moment, plus some time, is over; nothing recorded: it is."""
    return not moment or now() >= datetime.fromisoformat(moment) + after
