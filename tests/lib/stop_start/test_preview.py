"""What is going to happen, on the clock of the environment."""

from __future__ import annotations

import doctest
import json
from datetime import date, datetime, timezone
from typing import Any

import pytest

from lib.functions.overrides import Override
from lib.stop_start import preview, table
from lib.stop_start.__main__ import main
from lib.stop_start.by_hand import WrongInputError
from lib.stop_start.preview import Row
from lib.stop_start.window import Window
from tests.support.configuration import start_stop

NEW_YORK, BERLIN, TOKYO = "America/New_York", "Europe/Berlin", "Asia/Tokyo"
DAILY: dict[str, Any] = {"MWAA_PAUSE_CRON_SCHEDULE": "0 20 ? * * *", "MWAA_RESUME_CRON_SCHEDULE": "0 6 ? * * *"}


def rows(zone: str, first: str, days: int, override: Override | None = None, **changes: str) -> list[Row]:
    environment = start_stop(MWAA_SCHEDULE_TIME_ZONE=zone, **changes).environments[0]
    return preview.rows(Window.of_days(environment, date.fromisoformat(first), days), override)


def brief(found: list[Row]) -> list[str]:
    return [f"{row.at:%m-%d %H:%M %Z} {row.what}" for row in found if row.happens]


def utc(found: list[Row], what: str) -> list[str]:
    return [f"{row.at.astimezone(timezone.utc):%m-%d %H:%M}" for row in found if row.what == what and row.happens]


def test_in_autumn_new_york_stays_at_its_local_times() -> None:
    found = rows(NEW_YORK, "2026-10-31", 3, **DAILY)
    assert brief(found) == [
        "10-31 06:00 EDT start",
        "10-31 20:00 EDT stop",
        "11-01 01:00 EST clock",
        "11-01 06:00 EST start",
        "11-01 20:00 EST stop",
        "11-02 06:00 EST start",
        "11-02 20:00 EST stop",
    ]
    assert utc(found, "start") == ["10-31 10:00", "11-01 11:00", "11-02 11:00"]


def test_in_spring_new_york_stays_at_its_local_times() -> None:
    found = rows(NEW_YORK, "2027-03-13", 3, **DAILY)
    assert utc(found, "stop") == ["03-14 01:00", "03-15 00:00", "03-16 00:00"]
    assert utc(found, "start") == ["03-13 11:00", "03-14 10:00", "03-15 10:00"]


@pytest.mark.parametrize(
    ("zone", "day", "at", "note"),
    [
        (NEW_YORK, "2026-11-01", "2026-11-01T01:00-05:00", "set back from 02:00 EDT to 01:00 EST"),
        (NEW_YORK, "2027-03-14", "2027-03-14T03:00-04:00", "set forward from 02:00 EST to 03:00 EDT"),
        (BERLIN, "2026-10-25", "2026-10-25T02:00+01:00", "set back from 03:00 CEST to 02:00 CET"),
        (BERLIN, "2027-03-28", "2027-03-28T03:00+02:00", "set forward from 02:00 CET to 03:00 CEST"),
        ("Australia/Lord_Howe", "2027-04-04", "2027-04-04T01:30+10:30", "set back from 02:00 +11 to 01:30 +1030"),
    ],
)
def test_the_change_of_the_clock_is_in_the_list(zone: str, day: str, at: str, note: str) -> None:
    [found] = [row for row in rows(zone, day, 1) if row.what == "clock"]
    assert found.at.isoformat("T", "minutes") == at
    assert found.note == f"the clock is {note}"


def test_a_zone_without_daylight_saving_has_no_change_in_a_year() -> None:
    found = rows(TOKYO, "2026-06-01", 365, **DAILY)
    assert len(found) == 2 * 365
    assert {f"{row.at.astimezone(timezone.utc):%H:%M} {row.what}" for row in found} == {"21:00 start", "11:00 stop"}


@pytest.mark.parametrize(
    ("zone", "day", "offset"), [(NEW_YORK, "2027-03-14", "-05:00"), (BERLIN, "2027-03-28", "+01:00")]
)
def test_a_time_that_the_clock_skips_is_shown_as_left_out(zone: str, day: str, offset: str) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time."""
    found = rows(zone, day, 1, **{**DAILY, "MWAA_RESUME_CRON_SCHEDULE": "30 2 ? * * *"})
    [start] = [row for row in found if row.what == "start"]
    assert (start.at.isoformat(), start.happens) == (f"{day}T02:30:00{offset}", False)
    assert start.note == "the clock skips this time"


@pytest.mark.parametrize(
    ("zone", "day", "at", "offset"),
    [(NEW_YORK, "2026-11-01", "01:30", "-04:00"), (BERLIN, "2026-10-25", "02:30", "+02:00")],
)
def test_a_time_that_the_clock_shows_twice_happens_once(zone: str, day: str, at: str, offset: str) -> None:
    hour, minute = at.split(":")
    found = rows(zone, day, 1, **{**DAILY, "MWAA_RESUME_CRON_SCHEDULE": f"{minute} {int(hour)} ? * * *"})
    [start] = [row for row in found if row.what == "start"]
    assert start.happens
    assert start.at.isoformat() == f"{day}T{at}:00{offset}"
    assert start.note == "the clock shows this time twice: it happens once"


def test_on_a_day_off_only_the_start_is_left_out() -> None:
    found = rows(BERLIN, "2026-12-24", 3, MWAA_DAYS_OFF="[2026-12-25, 2026-12-26]", **DAILY)
    assert brief(found) == [
        "12-24 06:00 CET start",
        "12-24 20:00 CET stop",
        "12-25 20:00 CET stop",
        "12-26 20:00 CET stop",
    ]
    assert [row.note for row in found if not row.happens] == ["2026-12-25 is a day off", "2026-12-26 is a day off"]


def test_an_override_leaves_out_what_is_due_until_it_ends() -> None:
    until = datetime.fromisoformat("2026-12-02T20:00+01:00")
    found = rows(BERLIN, "2026-12-01", 2, Override("running", until, "ops"), **DAILY)
    assert [f"{row.at:%m-%d} {row.what} {row.happens}" for row in found] == [
        "12-01 start True",
        "12-01 stop False",
        "12-02 start True",
        "12-02 stop True",
    ]
    assert found[1].note == "it is to keep running until 2026-12-02T20:00:00+01:00, says ops"


SEVERAL = {
    "START_STOP_ENVIRONMENTS": "[dev, staging]",
    "MWAA_ENV_NAME__DEV": "dev",
    "MWAA_ENV_NAME__STAGING": "staging",
    "MWAA_SCHEDULE_TIME_ZONE__STAGING": NEW_YORK,
    "MWAA_CHANGE_CALENDAR__STAGING": "office",
}


@pytest.fixture
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is Tuesday, 13:00 in Berlin."""
    monkeypatch.setattr("lib.functions.clock.now", lambda: datetime(2026, 12, 1, 12, tzinfo=timezone.utc))


@pytest.mark.usefixtures("_at_noon")
def test_every_environment_has_a_table_on_its_own_clock() -> None:
    assert main(["preview", "--days", "1"], start_stop(**SEVERAL)) == (
        "dev, Europe/Berlin, 2026-12-01 to 2026-12-02\n"
        "\n"
        "WHEN                      WHAT   NOTE\n"
        "Tue 2026-12-01 20:00 CET  stop\n"
        "Wed 2026-12-02 06:00 CET  start\n"
        "\n"
        "staging, America/New_York, 2026-12-01 to 2026-12-02\n"
        "\n"
        "WHEN                      WHAT  NOTE\n"
        "Tue 2026-12-01 20:00 EST  stop\n"
        "Wed 2026-12-02 06:00 EST  start\n"
        "\n"
        "No start happens while the change calendar office is closed; it was not asked."
    ).replace("WHAT  NOTE", "WHAT   NOTE")


@pytest.mark.usefixtures("_at_noon")
def test_fourteen_days_begin_now() -> None:
    found = json.loads(main(["preview", "--json"], start_stop()))["environments"][0]
    assert (found["begins"], found["ends"]) == ("2026-12-01T13:00:00+01:00", "2026-12-15T13:00:00+01:00")
    assert found["transitions"][0] == {
        "at": "2026-12-01T20:00:00+01:00",
        "utc": "2026-12-01T19:00:00+00:00",
        "what": "stop",
        "happens": True,
        "note": "",
    }
    assert found["transitions"][-1]["at"] == "2026-12-15T06:00:00+01:00"
    assert len(found["transitions"]) == 20


@pytest.mark.usefixtures("_at_noon")
def test_other_days_are_whole() -> None:
    found = json.loads(main(["preview", "--json", "--from", "2026-12-01", "--days", "1"], start_stop()))
    assert [row["what"] for row in found["environments"][0]["transitions"]] == ["start", "stop"]


def test_no_transition_is_said_to_be_none() -> None:
    said = main(["preview", "--from", "2026-12-05", "--days", "2"], start_stop())
    assert said == "dev, Europe/Berlin, 2026-12-05 to 2026-12-06\n\nnothing is due"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["preview", "--from", "monday"], "argument --from: 'monday' is no day; HINT: Write it as 2026-12-01."),
        (["preview", "--days", "0"], "argument --days: '0' is no whole number from 1 to 3660"),
        (["preview", "--days", "-3"], "argument --days: '-3' is no whole number from 1 to 3660"),
        (["report", "--rate", "cheap"], "argument --rate: 'cheap' is no number from 0 to 1000"),
        (["report", "--rate", "nan"], "argument --rate: 'nan' is no number from 0 to 1000"),
        (["report", "--transition-mins", "x"], "argument --transition-mins: 'x' is no whole number from 0 to 1440"),
        (["stop"], "the following arguments are required: ENV"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(arguments: list[str], words: str) -> None:
    with pytest.raises(WrongInputError) as refused:
        main(arguments, start_stop())
    assert str(refused.value) == words


def test_the_example_of_a_table_holds() -> None:
    assert doctest.testmod(table).failed == 0
