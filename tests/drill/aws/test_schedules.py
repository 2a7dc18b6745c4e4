"""EventBridge Scheduler as https://docs.aws.amazon.com/scheduler/latest/UserGuide/ says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drill.aws import LocalAws
from drill.aws.simulator import schedules
from tests.support.local_aws import Builder, eventually, states

INPUT = {"from": "schedule", "at": "<aws.scheduler.scheduled-time>"}


class Scheduled:
    """A schedule that starts a state machine."""

    def __init__(self, build: Builder) -> None:
        self.build, self.client = build, build.client("scheduler")
        self.machine, self.role = build.machine(states(Say={"Type": "Pass"})), build.role()

    def wanted(self, expression: str, **more: Any) -> dict[str, Any]:
        """The parameters of a schedule."""
        target = {"Arn": self.machine, "RoleArn": self.role, "Input": json.dumps(INPUT)}
        window = {"Mode": "OFF"}
        return {
            "Name": "health",
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": window,
            "Target": target,
            **more,
        }

    def inputs(self) -> list[dict[str, Any]]:
        """What each execution was started with."""
        client = self.build.client("stepfunctions")
        found = client.list_executions(stateMachineArn=self.machine)["executions"]
        return [json.loads(client.describe_execution(executionArn=one["executionArn"])["input"]) for one in found]


@pytest.fixture
def scheduled(build: Builder) -> Scheduled:
    """No schedule yet."""
    return Scheduled(build)


def test_a_rate_fires_again_and_again_in_scaled_time(scheduled: Scheduled, aws: LocalAws) -> None:
    aws.scale(schedules=1 / 300)
    scheduled.client.create_schedule(**scheduled.wanted("rate(5 minutes)"))
    eventually(lambda: len(scheduled.inputs()) >= 2)
    first = scheduled.inputs()[0]
    assert first["from"] == "schedule"
    assert datetime.fromisoformat(first["at"].replace("Z", "+00:00")).tzinfo


def test_one_moment_is_in_the_schedules_time_zone_and_fires_once(scheduled: Scheduled) -> None:
    moment = datetime.now(ZoneInfo("Asia/Tokyo")) + timedelta(seconds=1)
    expression = f"at({moment:%Y-%m-%dT%H:%M:%S})"
    zone = {"ScheduleExpressionTimezone": "Asia/Tokyo"}
    scheduled.client.create_schedule(**scheduled.wanted(expression, **zone))
    eventually(lambda: len(scheduled.inputs()) == 1)


def test_a_cron_of_another_time_zone_is_due_by_that_zones_clock(scheduled: Scheduled) -> None:
    made = datetime(2026, 7, 1, 6, 59, tzinfo=timezone.utc).timestamp()
    schedule = {"ScheduleExpression": "cron(0 9 * * ? *)", "CreationDate": made}
    key = ("account", "region", "default/never-fired")
    for zone, due in (("Europe/Berlin", True), ("UTC", False)):
        aware = {**schedule, "ScheduleExpressionTimezone": zone}
        assert schedules._is_due(key, aware, made + 90) is due


def test_a_disabled_schedule_does_not_fire_until_a_test_says_so(scheduled: Scheduled, aws: LocalAws) -> None:
    aws.scale(schedules=0)
    scheduled.client.create_schedule(**scheduled.wanted("rate(5 minutes)", State="DISABLED"))
    aws.fire_schedule("health")
    assert len(scheduled.inputs()) == 1


def test_while_the_clock_is_stopped_only_rates_fire(scheduled: Scheduled, aws: LocalAws) -> None:
    aws.stop_the_clock()
    aws.scale(schedules=1 / 300)
    moment = datetime.now(timezone.utc) - timedelta(seconds=1)
    due = scheduled.wanted(f"at({moment:%Y-%m-%dT%H:%M:%S})", Name="due")
    due["Target"]["Input"] = '{"from": "the clock"}'
    scheduled.client.create_schedule(**due)
    scheduled.client.create_schedule(**scheduled.wanted("rate(5 minutes)"))
    eventually(lambda: len(scheduled.inputs()) >= 2)
    assert "the clock" not in [one["from"] for one in scheduled.inputs()]
    aws.stop_the_clock(stopped=False)
    eventually(lambda: "the clock" in [one["from"] for one in scheduled.inputs()])


def test_it_calls_its_target_as_its_own_role(scheduled: Scheduled, aws: LocalAws) -> None:
    scheduled.client.create_schedule(**scheduled.wanted("rate(5 minutes)"))
    aws.fire_schedule("health")
    call = next(call for call in aws.calls() if call.action == "states:StartExecution")
    assert (call.role, call.resource) == (scheduled.role.rpartition("/")[2], scheduled.machine)


def test_an_update_resets_what_it_does_not_send(scheduled: Scheduled) -> None:
    given = {"Description": "every five minutes", "State": "DISABLED", "ScheduleExpressionTimezone": "Asia/Tokyo"}
    scheduled.client.create_schedule(**scheduled.wanted("rate(5 minutes)", **given))
    scheduled.client.update_schedule(**scheduled.wanted("rate(5 minutes)"))
    found = scheduled.client.get_schedule(Name="health")
    assert (found["State"], found["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
    assert not found.get("Description")
