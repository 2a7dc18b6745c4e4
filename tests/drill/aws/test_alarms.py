"""CloudWatch alarms, and the metrics of executions that they look at; each test cites the page.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from drill.aws import LocalAws
from tests.support.local_aws import Builder, eventually

BEATS = {"Namespace": "AmazonMWAA", "MetricName": "SchedulerHeartbeat"}
DIMENSIONS = [{"Name": "Environment", "Value": "mwaa"}]


class Watched:
    """An alarm on fewer than one heartbeat in each of three minutes."""

    def __init__(self, build: Builder, **more: Any) -> None:
        self._build = build
        self.client = build.client("cloudwatch")
        self.topic = build.client("sns").create_topic(Name="topic")["TopicArn"]
        self.client.put_metric_alarm(
            **{
                "AlarmName": "alarm",
                **BEATS,
                "Dimensions": DIMENSIONS,
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 3,
                "Threshold": 1,
                "ComparisonOperator": "LessThanThreshold",
                "AlarmActions": [self.topic],
                "OKActions": [self.topic],
                **more,
            }
        )

    def beat(self, *minutes_ago: float, environment: str = "mwaa") -> None:
        """Heartbeats in the past."""
        now = datetime.now(timezone.utc)
        dimensions = [{"Name": "Environment", "Value": environment}]
        data = [
            {
                "MetricName": BEATS["MetricName"],
                "Dimensions": dimensions,
                "Value": 1,
                "Timestamp": now - timedelta(minutes=ago),
            }
            for ago in minutes_ago
        ]
        self.client.put_metric_data(Namespace=BEATS["Namespace"], MetricData=data)

    def state(self) -> str:
        """What the alarm says after a look."""
        self._build.aws.look_at_alarms(self._build.region)
        return str(self.client.describe_alarms(AlarmNames=["alarm"])["MetricAlarms"][0]["StateValue"])

    def told(self) -> list[str]:
        """The states that the topic was told of."""
        return [message.subject.partition(":")[0] for message in self._build.aws.messages()]


@pytest.mark.parametrize(
    ("treated", "state"),
    [("breaching", "ALARM"), ("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA"), ("ignore", "INSUFFICIENT_DATA")],
)
def test_what_is_missing_is_what_the_alarm_takes_it_for(build: Builder, treated: str, state: str) -> None:
    assert Watched(build, TreatMissingData=treated).state() == state


def test_every_period_has_to_be_wrong(build: Builder) -> None:
    watched = Watched(build, TreatMissingData="breaching")
    watched.beat(3.5)
    assert watched.state() == "ALARM"
    watched.beat(2.5)
    assert watched.state() == "OK"


def test_another_dimension_is_another_metric(build: Builder) -> None:
    watched = Watched(build, TreatMissingData="breaching")
    watched.beat(0.5, 1.5, 2.5, environment="other")
    assert watched.state() == "ALARM"


def test_a_change_is_told_once_and_a_state_that_lasts_is_not(build: Builder) -> None:
    watched = Watched(build, TreatMissingData="breaching")
    assert [watched.state(), watched.state()] == ["ALARM", "ALARM"]
    watched.beat(0.5)
    assert [watched.state(), watched.state()] == ["OK", "OK"]
    assert watched.told() == ["ALARM", "OK"]


@pytest.mark.parametrize(
    ("state", "counted"),
    [({"Type": "Succeed"}, "ExecutionsSucceeded"), ({"Type": "Fail"}, "ExecutionsFailed")],
)
def test_executions_are_counted(aws: LocalAws, build: Builder, state: dict[str, Any], counted: str) -> None:
    machine = build.machine({"StartAt": "Only", "States": {"Only": state}})
    for _ in range(2):
        build.ended(build.start(machine))
    now = datetime.now(timezone.utc)
    asked = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5), "Period": 3600}
    own = [{"Name": "StateMachineArn", "Value": machine}]
    for name in ("ExecutionsStarted", counted):
        found = eventually(
            lambda name=name: build.client("cloudwatch").get_metric_statistics(  # type: ignore[misc]
                Namespace="AWS/States", MetricName=name, Dimensions=own, Statistics=["Sum"], **asked
            )["Datapoints"]
        )
        assert sum(point["Sum"] for point in found) == 2
