"""What a schedule saves, against sums that were made by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from lib.stop_start.__main__ import main
from lib.stop_start.saving import Saving, saving
from lib.stop_start.window import Window
from tests.support.configuration import start_stop

HALF_AN_HOUR = timedelta(minutes=30)


def of(first: str, days: int, transition: timedelta = HALF_AN_HOUR, **changes: str) -> Saving:
    environment = start_stop(**changes).environments[0]
    return saving(Window.of_days(environment, date.fromisoformat(first), days), transition)


def test_a_week_of_working_days_from_six_to_eight() -> None:
    # Monday to Friday 14 hours are due to run: 5 x 14 = 70, and each stop is billed for half an hour: 72.5.
    # Each start needs half an hour of these 14 until people can work: 5 x 13.5 = 67.5.
    assert of("2026-11-30", 7) == Saving(hours=168, billed=72.5, usable=67.5, stops=5, starts=5)


def test_a_day_off_saves_a_working_day() -> None:
    # One start and its half hour are left out: 70 - 14 = 56, and four stops of half an hour: 58.
    found = of("2026-11-30", 7, MWAA_DAYS_OFF="[2026-12-02]")
    assert found == Saving(hours=168, billed=58, usable=54, stops=4, starts=4)


def test_the_week_in_which_the_clock_is_set_back_has_an_hour_more_that_is_not_billed() -> None:
    found = of("2026-10-19", 7)
    assert (found.hours, found.billed, found.off) == (169, 72.5, 96.5)


def test_an_environment_is_as_it_was_left_before_the_time() -> None:
    weekend = of("2026-12-05", 2)
    assert weekend == Saving(hours=48, billed=0, usable=0, stops=0, starts=0)


def test_a_transition_that_lasts_as_long_as_the_time_between_saves_nothing() -> None:
    found = of(
        "2026-11-30",
        1,
        timedelta(hours=2),
        MWAA_PAUSE_CRON_SCHEDULE="0 10 ? * * *",
        MWAA_RESUME_CRON_SCHEDULE="0 12 ? * * *",
        STOP_DRAIN_MINS="1",
    )
    assert found == Saving(hours=24, billed=24, usable=20, stops=1, starts=1)


def test_a_second_stop_before_a_start_is_none() -> None:
    found = of("2026-11-30", 7, MWAA_PAUSE_CRON_SCHEDULE="0 20 ? * * *")
    assert (found.billed, found.stops) == (72.5, 5)


def test_the_report_shows_a_week_a_month_and_the_whole_with_its_assumptions() -> None:
    said = main(["report", "--from", "2026-11-30", "--days", "7", "--rate", "0.5"], start_stop())
    # A month has 730.5 hours: 72.5 / 168 of them are 315.2, and 5 / 168 are 21.7 transitions of each kind.
    assert said == (
        "dev, Europe/Berlin, 2026-11-30 to 2026-12-06\n"
        "\n"
        "              HOURS  USABLE  BILLED  NOT BILLED  STOPS  STARTS    COST  COST WITHOUT   SAVED\n"
        "a week        168.0    67.5    72.5        95.5    5.0     5.0   36.25         84.00   47.75\n"
        "a month       730.5   293.5   315.2       415.2   21.7    21.7  157.62        365.25  207.63\n"
        "these 7 days  168.0    67.5    72.5        95.5    5.0     5.0   36.25         84.00   47.75\n"
        "\n"
        "56.8% of the hours are not billed. Assumed: a stop and a start take 30 minutes each, and these are billed. "
        "An hour costs 0.5. Overrides and change calendars are not looked at."
    )


def test_the_rate_of_the_configuration_is_taken_and_another_one_wins() -> None:
    plan = start_stop(MWAA_COST_PER_HOUR="0.5")
    asked = ["report", "--from", "2026-11-30", "--days", "7", "--json"]

    def week(*more: str) -> dict[str, float]:
        found = json.loads(main([*asked, *more], plan))["environments"][0]
        assert set(found) == {"environment", "time_zone", "begins", "ends", "transition_mins", "rate"} | {
            "week",
            "month",
            "whole",
        }
        return dict(found["week"])

    assert week()["saved"] == 47.75
    assert week("--rate", "2")["saved"] == 191
    assert week("--transition-mins", "0")["billed"] == 70


@pytest.mark.parametrize("asked", [[], ["--json"]])
def test_without_a_rate_hours_are_told_and_no_money(asked: list[str]) -> None:
    said = main(["report", "--from", "2026-11-30", "--days", "7", *asked], start_stop())
    assert "saved" not in said.lower()
    assert "72.5" in said
