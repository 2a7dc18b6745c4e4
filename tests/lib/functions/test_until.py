"""Moments as people write them, in a time zone."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from lib.functions import clock
from lib.functions.errors import Misconfigured
from lib.functions.until import until

NEW_YORK = ZoneInfo("America/New_York")


def told(monkeypatch: pytest.MonkeyPatch, text: str, now: str = "2026-12-01T18:00:00+00:00") -> str:
    """What is understood in New York, where it is 13:00."""
    monkeypatch.setattr("lib.functions.clock.now", lambda: datetime.fromisoformat(now).astimezone(timezone.utc))
    return clock.text(until(text, NEW_YORK))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("22:00", "2026-12-01T22:00:00-05:00"),
        ("9:30", "2026-12-02T09:30:00-05:00"),
        ("13:00", "2026-12-02T13:00:00-05:00"),
        ("2026-12-03T22:00", "2026-12-03T22:00:00-05:00"),
        ("2026-12-03 22:00", "2026-12-03T22:00:00-05:00"),
        ("2026-12-03T22:00:00Z", "2026-12-03T22:00:00+00:00"),
        ("2026-12-03T22:00+01:00", "2026-12-03T22:00:00+01:00"),
        ("2h", "2026-12-01T15:00:00-05:00"),
        ("90 m", "2026-12-01T14:30:00-05:00"),
        ("3D", "2026-12-04T13:00:00-05:00"),
    ],
)
def test_it_is_understood_in_the_zone(monkeypatch: pytest.MonkeyPatch, text: str, moment: str) -> None:
    assert told(monkeypatch, text) == moment


def test_a_time_that_the_clock_skips_is_told_as_the_one_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, "2:30", "2027-03-14T00:00:00-05:00") == "2027-03-14T03:30:00-04:00"


def test_a_time_that_the_clock_shows_twice_is_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, "1:30", "2026-11-01T00:00:00-04:00") == "2026-11-01T01:30:00-04:00"


def test_hours_are_those_that_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, "1d", "2026-10-31T12:00:00-04:00") == "2026-11-01T11:00:00-05:00"


@pytest.mark.parametrize("text", ["", "soon", "25:00", "22:00:00", "2026-13-01T22:00", "3w", "-2h", "2 h 30 m"])
def test_what_is_no_moment_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(Misconfigured, match=r"^'.*' is no moment; HINT: Write it as 22:00, 2026-12-01T22:00, 2h or 3d"):
        told(monkeypatch, text)


@pytest.mark.parametrize("text", ["0h", "2026-12-01T13:00", "2026-11-30"])
def test_what_is_over_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(Misconfigured, match=r"is over; HINT: "):
        told(monkeypatch, text)
