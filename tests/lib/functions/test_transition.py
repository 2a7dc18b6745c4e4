"""Whether a stop or a start is due, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import ANY

from lib.config.transitions import days_off
from lib.functions import overrides
from lib.functions.errors import Misconfigured
from lib.functions.overrides import Override
from lib.functions.record_table import FAILED_OVER
from lib.functions.transition import handler
from tests.support.configuration import start_stop
from tests.support.record_tables import RECORDS, Account
from tests.support.stubbed_aws import stubbed_aws

DEV = {"name": "dev", "region": "eu-west-1"}
EXECUTION = "arn:aws:states:eu-west-1:111222333444:execution:mwaa-stop-start-dev-stop:e-1"
NOW = "2026-11-22T12:11:30Z"
BACKUP = "20261121T230500Z-1f0c9a7e03b2"


def decide(what: str, given: Any, *, off: str = "[]", calendar: str | None = None, also: Any = ()) -> dict[str, Any]:
    environment = start_stop(MWAA_DAYS_OFF=off).environments[0]
    return handler(
        {
            "op": "decide",
            "what": what,
            "environment": DEV,
            "records": RECORDS,
            "also_records": [*also],
            "input": given,
            "days_off": [day.payload for day in days_off(environment)],
            "calendar": calendar,
            "when_busy": "WAIT",
            "execution": EXECUTION,
        },
        None,
    )


def hold(aws: Account, what: str, **length: float) -> None:
    """An override from now on."""
    then = Account(aws.table, "", "", aws.now)
    then.later(**length)
    overrides.put(aws.table, DEV, Override(what, then.now, "ops"))


@pytest.mark.parametrize("what", ["stop", "start"])
def test_what_is_due_is_done(aws: Account, what: str) -> None:
    assert decide(what, {"scheduled_for": NOW}) == {
        "act": True,
        "reason": "it is due since 2026-11-22T12:11:30+00:00",
        "notify": False,
        "scheduled": True,
        "scheduled_for": "2026-11-22T12:11:30+00:00",
        "when_busy": "WAIT",
        "backup_id": None,
    }


@pytest.mark.parametrize(("what", "held"), [("stop", "running"), ("start", "stopped")])
def test_an_override_hinders_a_schedule_until_it_ends_by_itself(aws: Account, what: str, held: str) -> None:
    hold(aws, held, hours=1)
    assert not decide(what, {"scheduled_for": "2026-11-22T13:11:29Z"})["act"]
    assert decide(what, {"scheduled_for": "2026-11-22T13:11:30Z"})["act"]


@pytest.mark.parametrize(("what", "held"), [("stop", "stopped"), ("start", "running")])
def test_an_override_hinders_only_what_is_against_it(aws: Account, what: str, held: str) -> None:
    hold(aws, held, hours=1)
    assert decide(what, {"scheduled_for": NOW})["act"]


def test_an_override_of_another_environment_hinders_nothing(aws: Account) -> None:
    overrides.put(aws.table, {**DEV, "name": "staging"}, Override("running", aws.now.replace(year=2027), "ops"))
    assert decide("stop", {"scheduled_for": NOW})["act"]


def test_the_reason_says_whose_override_it_is(aws: Account) -> None:
    hold(aws, "running", hours=1)
    found = decide("stop", {"scheduled_for": NOW})
    assert found["reason"] == "it is to keep running until 2026-11-22T13:11:30+00:00, says ops"
    assert not found["notify"]


@pytest.mark.parametrize(("what", "held"), [("stop", "running"), ("start", "stopped")])
def test_a_person_is_not_hindered_by_overrides_days_off_or_the_calendar(aws: Account, what: str, held: str) -> None:
    hold(aws, held, hours=1)
    with stubbed_aws():  # no call of SSM is expected
        found = decide(what, {"Comment": "by hand"}, off="[2026-11-22]", calendar="office")
    assert (found["act"], found["scheduled"], found["scheduled_for"]) == (True, False, "")


@pytest.mark.parametrize(
    ("at", "act"),
    [
        ("2026-12-24T22:59:59Z", True),
        ("2026-12-24T23:00:00Z", False),  # midnight in Berlin
        ("2026-12-25T22:59:59Z", False),
        ("2026-12-25T23:00:00Z", True),
    ],
)
def test_a_day_off_is_that_of_the_time_zone(aws: Account, at: str, act: bool) -> None:
    assert decide("start", {"scheduled_for": at}, off="[2026-12-25]")["act"] is act


def test_the_day_on_which_the_clock_is_set_back_is_off_for_25_hours(aws: Account) -> None:
    off = "[2026-10-25]"
    due = ("2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z")
    assert [decide("start", {"scheduled_for": at}, off=off)["act"] for at in due] == [True, False, False, True]


def test_a_stop_happens_on_a_day_off_and_while_the_calendar_is_closed(aws: Account) -> None:
    with stubbed_aws():
        assert decide("stop", {"scheduled_for": NOW}, off="[2026-11-22]", calendar="office")["act"]


@pytest.mark.parametrize(("state", "act"), [("OPEN", True), ("CLOSED", False)])
@pytest.mark.parametrize(
    ("calendar", "region"),
    [("office", "eu-west-1"), ("arn:aws:ssm:us-east-1:111222333444:document/office", "us-east-1")],
)
def test_a_closed_calendar_at_the_time_of_the_schedule_hinders_a_start(
    aws: Account, calendar: str, region: str, state: str, act: bool
) -> None:
    with stubbed_aws() as script:
        asked = {"CalendarNames": [calendar], "AtTime": "2026-11-22T12:00:00Z"}
        script.script("ssm", region).add_response("get_calendar_state", {"State": state}, asked)
        found = decide("start", {"scheduled_for": "2026-11-22T12:00:00Z"}, calendar=calendar)
    assert (found["act"], found["notify"]) == (act, False)


def test_a_calendar_that_cannot_be_asked_is_told_and_keeps_nobody_from_work(aws: Account) -> None:
    with stubbed_aws() as script:
        script.script("ssm", "eu-west-1").add_client_error(
            "get_calendar_state", "InvalidDocument", "it is gone", expected_params={"CalendarNames": ANY, "AtTime": ANY}
        )
        found = decide("start", {"scheduled_for": NOW}, calendar="office")
    assert (found["act"], found["notify"]) == (True, True)
    assert found["reason"].endswith("the calendar office cannot be asked: InvalidDocument: it is gone")


def test_a_schedule_does_not_start_what_disaster_recovery_runs_elsewhere(aws: Account) -> None:
    aws.table.put(FAILED_OVER, {"environment": "dev-dr.eu-central-1", "at": "2026-11-22T03:00:00+00:00"})
    found = decide("start", {"scheduled_for": NOW}, also=[RECORDS])
    assert (found["act"], found["notify"]) == (False, True)
    assert found["reason"].startswith("it runs as dev-dr.eu-central-1 since 2026-11-22T03:00:00+00:00, so that there")
    assert decide("stop", {"scheduled_for": NOW}, also=[RECORDS])["act"]


def test_a_person_who_starts_it_all_the_same_is_told(aws: Account) -> None:
    aws.table.put(FAILED_OVER, {"environment": "dev-dr.eu-central-1", "at": "2026-11-22T03:00:00+00:00"})
    found = decide("start", {}, also=[RECORDS])
    assert (found["act"], found["notify"]) == (True, True)
    assert found["reason"].startswith("a person started it; it runs as dev-dr.eu-central-1 since")


def test_records_that_cannot_be_read_are_told_and_keep_nobody_from_work(aws: Account) -> None:
    found = decide("start", {"scheduled_for": NOW}, also=[{**RECORDS, "table": "elsewhere"}])
    assert (found["act"], found["notify"]) == (True, True)
    assert "the records of disaster recovery cannot be read: Misconfigured: the table elsewhere in" in found["reason"]


def test_a_stop_that_comes_late_is_told_and_not_done(aws: Account) -> None:
    assert decide("stop", {"scheduled_for": "2026-11-22T11:41:30Z"})["act"]
    found = decide("stop", {"scheduled_for": "2026-11-22T11:40:30Z"})
    assert (found["act"], found["notify"]) == (False, True)
    assert found["reason"].startswith("it was due at 2026-11-22T11:40:30+00:00, 31 min ago; HINT: ")


def test_a_start_that_comes_late_is_done(aws: Account) -> None:
    assert decide("start", {"scheduled_for": "2026-11-22T06:00:00Z"})["act"]


@pytest.mark.parametrize(("key", "what"), [("keep_running_until", "running"), ("stay_stopped_until", "stopped")])
@pytest.mark.parametrize("machine", ["stop", "start"])
def test_an_input_only_notes_an_override(aws: Account, machine: str, key: str, what: str) -> None:
    found = decide(machine, {key: "2h"})
    assert (found["act"], found["notify"]) == (False, False)
    assert overrides.find(aws.table, DEV) == Override(what, aws.now.replace(hour=14), EXECUTION)


@pytest.mark.parametrize(
    ("what", "given", "field", "read"),
    [
        ("stop", {"when_busy": "force"}, "when_busy", "FORCE"),
        ("stop", {"When_Busy": " SKIP "}, "when_busy", "SKIP"),
        ("start", {"backup_id": BACKUP}, "backup_id", BACKUP),
    ],
)
def test_a_person_may_say_how(aws: Account, what: str, given: dict[str, Any], field: str, read: str) -> None:
    assert decide(what, given)[field] == read


@pytest.mark.parametrize(
    ("what", "given", "words"),
    [
        ("stop", {"backup_id": BACKUP}, 'the input has "backup_id"; HINT: A stop knows scheduled_for, when_busy,'),
        ("start", {"when_busy": "SKIP"}, 'the input has "when_busy"; HINT: A start knows scheduled_for, backup_id,'),
        ("stop", {"when-busy": "SKIP"}, 'the input has "when-busy"'),
        ("stop", {"when_busy": "later"}, 'the input has when_busy = "later"; HINT: It is WAIT, SKIP, FORCE.'),
        ("stop", {"when_busy": None}, "the input has when_busy = null"),
        ("start", {"backup_id": "latest"}, 'the input has backup_id = "latest"; HINT: It is a backup id, as'),
        ("stop", {"scheduled_for": "at eight"}, 'the input has scheduled_for = "at eight"; HINT: It is what'),
        ("stop", {"scheduled_for": "2026-11-22T12:11:30"}, 'the input has scheduled_for = "2026'),
        ("stop", {"keep_running_until": "22:00"}, "'22:00' is no moment; HINT: Write it as 2h, 3d or 2026"),
        ("stop", {"keep_running_until": "2026-12-01T22:00"}, "'2026-12-01T22:00' is no moment"),
        ("start", {"stay_stopped_until": "2026-11-22T12:11:30Z"}, "2026-11-22T12:11:30+00:00 is over"),
        ("start", {"stay_stopped_until": "400d"}, "2027-12-27T12:11:30+00:00 is more than a year ahead"),
        ("start", {"stay_stopped_until": "99999d"}, "2300-09-06T12:11:30+00:00 is more than a year ahead"),
        (
            "stop",
            {"keep_running_until": "2h", "when_busy": "SKIP"},
            "the input has keep_running_until, when_busy; HINT: An override is given alone.",
        ),
        ("stop", ["FORCE"], 'the input is ["FORCE"]; HINT: It is an object'),
    ],
)
def test_an_input_that_is_not_understood_is_refused_in_one_line(
    aws: Account, what: str, given: Any, words: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        decide(what, given)
    assert str(refused.value).startswith(words)
    assert "\n" not in str(refused.value)
    assert not overrides.find(aws.table, DEV)


def tell(what: str, **more: Any) -> dict[str, Any]:
    event: dict[str, Any] = {"started_at": "2026-11-22T11:24:30.000Z", "facts": {}}
    event |= {"cost_per_hour": None, "stopped_at": None}
    return handler({"op": "tell", "what": what, "environment": DEV, **event, **more}, None)


def test_a_stop_tells_how_long_it_took_and_what_was_carried(aws: Account) -> None:
    facts = {"rows": 525631, "backup_id": BACKUP, "active": 12, "warnings": ["a file was not counted"]}
    assert tell("stop", facts=facts) == {
        "subject": "dev is stopped",
        "message": (
            "The environment dev in eu-west-1 is stopped: it took 47 min. "
            f"525,631 rows are in the backup {BACKUP}. 12 DAGs were active.\nWARNING: a file was not counted"
        ),
    }


def test_a_start_tells_how_long_it_was_away_and_what_that_saved(aws: Account) -> None:
    said = tell(
        "start", facts={"rows": 7}, cost_per_hour=0.49, stopped_at="2026-11-22T01:22:30+00:00"
    )  # 10 h 2 min before the start
    assert said["subject"] == "dev is there again"
    assert said["message"] == (
        "The environment dev in eu-west-1 is there again: it took 47 min. 7 rows came back from the backup. "
        "It was away for 10 h 2 min, which saved up to 4.92 at 0.49 an hour."
    )


def test_without_a_rate_no_saving_is_told(aws: Account) -> None:
    said = tell("start", stopped_at="2026-11-22T01:22:30+00:00")
    assert said["message"].endswith("It was away for 10 h 2 min.")


def test_a_start_that_followed_no_stop_of_ours_tells_no_time_away(aws: Account) -> None:
    assert tell("start", cost_per_hour=0.49)["message"].endswith("is there again: it took 47 min.")
