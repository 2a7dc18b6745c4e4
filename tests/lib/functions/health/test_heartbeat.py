"""What the metrics of an environment say of its scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from lib.functions.health.heartbeat import IncompleteError, Pulse, assess, periods, query, read
from lib.functions.health.verdict import Heartbeat
from tests.support.regions import NOW, at


def pulse(beats: Sequence[str] = (), others: Sequence[str] = ()) -> Pulse:
    return Pulse([at(moment) for moment in beats], [at(moment) for moment in others])


@pytest.mark.parametrize(
    ("beats", "others", "expected"),
    [
        (["12:00", "12:05"], ["12:00", "12:05"], Heartbeat.BEATING),
        (["12:05"], [], Heartbeat.BEATING),
        (["12:00"], ["12:00", "12:05"], Heartbeat.BEATING),  # one period is not two
        (["12:10"], ["12:00", "12:05"], Heartbeat.BEATING),  # the period that still runs
        (["11:55"], ["12:00", "12:05"], Heartbeat.SILENT),
        (["11:55"], ["12:00", "12:05", "12:10"], Heartbeat.SILENT),
        (["11:55"], ["12:00"], Heartbeat.LATE),  # the newer period has not arrived yet
        (["11:55"], ["12:05"], Heartbeat.LATE),
        (["11:55"], ["11:55"], Heartbeat.LATE),
        (["11:55"], [], Heartbeat.LATE),
        ([], ["12:00", "12:05"], Heartbeat.FILTERED),
        ([], [], Heartbeat.FILTERED),
    ],
)
def test_silence_is_two_whole_periods_without_a_beat_in_which_other_metrics_arrived(
    beats: list[str], others: list[str], expected: Heartbeat
) -> None:
    assert assess(pulse(beats, others), NOW) is expected


def test_a_beat_from_before_the_environment_was_created_anew_is_another_ones() -> None:
    one = pulse(["11:55"], ["12:00", "12:05"])
    assert assess(one, NOW, since=at("11:58")) is Heartbeat.SILENT
    assert assess(one, NOW, since=at("12:00")) is Heartbeat.FILTERED


@pytest.mark.parametrize("now", [NOW + timedelta(seconds=17 * number) for number in range(60)])
def test_periods_are_aligned_whole_and_over_for_a_minute(now: datetime) -> None:
    found = periods(now)
    assert [(p.minute % 5, p.second, p.microsecond) for p in found] == [(0, 0, 0)] * 2
    assert found[1] - found[0] == timedelta(minutes=5)
    assert timedelta(minutes=1) <= now - (found[1] + timedelta(minutes=5)) < timedelta(minutes=6)


def test_cloudwatch_is_asked_for_the_schedulers_heartbeat_and_others_of_that_environment() -> None:
    asked = query("my-mwaa", NOW)
    named = {q["Id"]: q["MetricStat"]["Metric"] for q in asked["MetricDataQueries"]}
    assert named["beat"] == {
        "Namespace": "AmazonMWAA",
        "MetricName": "SchedulerHeartbeat",
        "Dimensions": [{"Name": "Function", "Value": "Scheduler"}, {"Name": "Environment", "Value": "my-mwaa"}],
    }
    assert all({"Name": "Environment", "Value": "my-mwaa"} in metric["Dimensions"] for metric in named.values())
    assert {metric["Namespace"] for metric in named.values()} == {"AmazonMWAA", "AWS/MWAA"}
    assert (asked["StartTime"], asked["EndTime"]) == (at("12:10") - timedelta(days=1), at("12:15"))
    assert {q["MetricStat"]["Period"] for q in asked["MetricDataQueries"]} == {300}


def test_the_parameters_are_what_cloudwatch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("cloudwatch", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", {"MetricDataResults": []}, query("my-mwaa", NOW))
        assert read(client.get_metric_data(**query("my-mwaa", NOW))) == Pulse([], [])


def result(id_: str = "beat", status: str = "Complete", values: Sequence[float] = (1.0,)) -> dict[str, Any]:
    return {"Id": id_, "StatusCode": status, "Timestamps": [NOW] * len(values), "Values": list(values)}


def test_a_sum_of_zero_is_no_beat() -> None:
    assert read({"MetricDataResults": [result(values=[0.0])]}) == Pulse([], [])


def test_every_other_metric_counts_as_another_one() -> None:
    assert read({"MetricDataResults": [result("other0"), result("other2")]}) == Pulse([], [NOW, NOW])


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData"])
def test_an_answer_that_is_not_whole_is_not_read_as_silence(status: str) -> None:
    with pytest.raises(IncompleteError, match=status):
        read({"MetricDataResults": [result(status=status, values=[])]})
