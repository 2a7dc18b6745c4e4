"""Moments as people write them: `22:00`, `2026-12-01T22:00`, `3d`, `2h`."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, timezone, tzinfo

from lib.functions import clock
from lib.functions.errors import Misconfigured

LONGEST = timedelta(days=366)
"""An override is to end by itself: what lasts longer is a change of the configuration."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LENGTH = re.compile(r"(\d{1,5})\s*([mhd])", re.IGNORECASE | re.ASCII)
_TIME = re.compile(r"\d{1,2}:\d\d", re.ASCII)


def until(text: str, zone: tzinfo | None = None) -> datetime:
    """The moment that is meant, from now on; raises Misconfigured.

    Without a zone, as in Lambda, where time zones need not be installed, a moment has to say its offset from UTC.
    See https://github.com/aws/aws-lambda-dotnet/issues/1620.
    """
    found = _read(text.strip(), zone)
    if found <= clock.now():
        raise Misconfigured(f"{clock.text(found)} is over; HINT: Give a moment that is to come.")
    if found - clock.now() > LONGEST:
        raise Misconfigured(f"{clock.text(found)} is more than a year ahead; HINT: Change the schedule instead.")
    return found


def _read(text: str, zone: tzinfo | None) -> datetime:
    now = clock.now().astimezone(zone or timezone.utc)
    try:
        if length := _LENGTH.fullmatch(text):
            return _shifted(now, timedelta(**{_UNITS[length[2].lower()]: int(length[1])}))
        if zone and _TIME.fullmatch(text):
            return _next(now, time.fromisoformat(text.zfill(5)))
        found = clock.moment(text)
    except (ValueError, OverflowError):
        raise _unreadable(text, zone) from None
    if found.tzinfo is None and zone is None:
        raise _unreadable(text, zone)
    return _settled(found if found.tzinfo else found.replace(tzinfo=zone))


def _next(now: datetime, at: time) -> datetime:
    """Today or tomorrow."""
    today = datetime.combine(now.date(), at, now.tzinfo)
    return _settled(today if today > now else today + timedelta(days=1))


def _shifted(now: datetime, length: timedelta) -> datetime:
    """Later by as many hours as pass, whatever the clock does."""
    return (now.astimezone(timezone.utc) + length).astimezone(now.tzinfo)


def _settled(found: datetime) -> datetime:
    """With the offset that holds then: a time that the clock skips is told as the one that it shows."""
    return found.astimezone(timezone.utc).astimezone(found.tzinfo)


def _unreadable(text: str, zone: tzinfo | None) -> Misconfigured:
    allowed = "22:00, 2026-12-01T22:00, 2h or 3d" if zone else "2h, 3d or 2026-12-01T22:00+01:00"
    return Misconfigured(f"{text[:40]!r} is no moment; HINT: Write it as {allowed}.")
