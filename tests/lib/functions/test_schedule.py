"""A schedule is switched, and nothing else of it changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions.errors import Misconfigured, NotReady
from lib.functions.schedule import handler
from tests.support.stubbed_aws import StubbedAws, stubbed_aws

REGION = "us-west-2"
OFF = {"name": "mwaa-health-check", "group": "default", "region": REGION, "state": "DISABLED"}
TARGET = {
    "Arn": "arn:aws:states:us-west-2:111222333444:stateMachine:mwaa-recovery",
    "RoleArn": "arn:aws:iam::111222333444:role/scheduler",
    "Input": "{}",
    "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0},
    "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-west-2:111222333444:dead"},
}
SCHEDULE = {
    "Name": "mwaa-health-check",
    "GroupName": "default",
    "Description": "asks how the primary is",
    "ScheduleExpression": "rate(5 minutes)",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": TARGET,
    "State": "ENABLED",
    "ActionAfterCompletion": "NONE",
    "KmsKeyArn": "arn:aws:kms:us-west-2:111222333444:key/1",
    "EndDate": datetime(2100, 1, 1, tzinfo=timezone.utc),
}
TOLD = {"Arn": f"arn:aws:scheduler:{REGION}:111222333444:schedule/default/mwaa-health-check"}


@pytest.fixture
def aws() -> Iterator[StubbedAws]:
    with stubbed_aws() as aws:
        yield aws


def expect(aws: StubbedAws, found: dict[str, Any], sent: dict[str, Any]) -> None:
    script = aws.script("scheduler", REGION)
    script.add_response("get_schedule", found, {"Name": OFF["name"], "GroupName": OFF["group"]})
    script.add_response("update_schedule", {"ScheduleArn": TOLD["Arn"]}, sent)


def test_all_that_a_schedule_has_is_sent_back(aws: StubbedAws) -> None:
    told = {**TOLD, "CreationDate": datetime(2026, 1, 1), "LastModificationDate": datetime(2026, 1, 1)}
    expect(aws, {**SCHEDULE, **told}, {**SCHEDULE, "State": "DISABLED"})

    assert handler(OFF, None)["changed"] is True


def test_every_field_that_an_update_takes_can_be_read() -> None:
    scheduler = boto3.client("scheduler", region_name=REGION)
    model = scheduler.meta.service_model
    taken = set(model.operation_model("UpdateSchedule").input_shape.members)
    told = set(model.operation_model("GetSchedule").output_shape.members)

    assert taken - told == {"ClientToken"}
    assert taken - {"ClientToken", "StartDate"} == set(SCHEDULE)


def test_a_start_that_has_passed_is_not_sent_again_and_one_to_come_is(aws: StubbedAws) -> None:
    now = datetime.now(timezone.utc)
    expect(aws, {**SCHEDULE, "StartDate": now - timedelta(days=1)}, {**SCHEDULE, "State": "DISABLED"})
    coming = {**SCHEDULE, "StartDate": now + timedelta(days=1)}
    expect(aws, coming, {**coming, "State": "DISABLED"})

    handler(OFF, None)
    handler(OFF, None)


def test_a_schedule_in_that_state_is_left_alone(aws: StubbedAws) -> None:
    aws.script("scheduler", REGION).add_response("get_schedule", {**SCHEDULE, "State": "DISABLED"})

    assert handler(OFF, None)["changed"] is False


def test_a_missing_schedule_is_told_and_not_raised(aws: StubbedAws) -> None:
    aws.script("scheduler", REGION).add_client_error("get_schedule", "ResourceNotFoundException", "no", 404)

    assert handler(OFF, None) == {
        "changed": False,
        "why": "there is no schedule 'mwaa-health-check' in group 'default'",
    }


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("AccessDeniedException", 403, Misconfigured),
        ("ValidationException", 400, Misconfigured),
        ("ConflictException", 409, NotReady),
        ("ThrottlingException", 429, NotReady),
        ("InternalServerException", 500, NotReady),
    ],
)
def test_what_a_refused_update_says_tells_whether_to_ask_again(
    aws: StubbedAws, code: str, status: int, raised: type[Exception]
) -> None:
    script = aws.script("scheduler", REGION)
    script.add_response("get_schedule", SCHEDULE)
    script.add_client_error("update_schedule", code, "because", status)

    with pytest.raises(raised, match=r"schedule 'mwaa-health-check'.*because"):
        handler(OFF, None)


def test_a_simulated_schedule_is_switched_off_and_on_again() -> None:
    with mock_aws():
        scheduler = boto3.client("scheduler", region_name=REGION)
        scheduler.create_schedule(**SCHEDULE)
        before = scheduler.get_schedule(Name=OFF["name"])

        assert handler(OFF, None)["changed"]
        assert scheduler.get_schedule(Name=OFF["name"])["State"] == "DISABLED"
        assert handler({**OFF, "state": "ENABLED"}, None)["changed"]
        after = scheduler.get_schedule(Name=OFF["name"])

    changing = {"ResponseMetadata", "LastModificationDate"}
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }
