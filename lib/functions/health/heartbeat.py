"""The scheduler's heartbeat in CloudWatch: what is asked, and what the answer means.

https://docs.aws.amazon.com/mwaa/latest/userguide/access-metrics-cw.html
https://docs.aws.amazon.com/mwaa/latest/userguide/accessing-metrics-cw-container-queue-db.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from lib.functions.health.verdict import Heartbeat

PERIOD = timedelta(minutes=5)
PERIODS = 2
"""How many whole periods have to be silent."""
SETTLING = timedelta(minutes=1)
"""How long a period that is over may still fill up."""
SEEN_WITHIN = timedelta(hours=24)
"""A heartbeat that was not seen in this time is not missed: it may never have been sent."""

BEAT = "beat"
"""The id of the heartbeat's query."""

_Metric = tuple[str, str, dict[str, str]]
"""Namespace, name and dimensions but for the environment."""

_HEART: _Metric = ("AmazonMWAA", "SchedulerHeartbeat", {"Function": "Scheduler"})
_OTHERS: tuple[_Metric, ...] = (
    ("AWS/MWAA", "CPUUtilization", {"Cluster": "WebServer"}),
    ("AWS/MWAA", "DatabaseConnections", {"DatabaseRole": "WRITER"}),
    ("AmazonMWAA", "CeleryWorkerHeartbeat", {"Function": "Celery"}),
)
"""Metrics that arrive without a scheduler: from other containers, and on both ways to CloudWatch."""


class IncompleteError(Exception):
    """CloudWatch gave an answer that is not whole."""


@dataclass(frozen=True)
class Pulse:
    """When metrics of the environment arrived, by the beginning of their periods."""

    beats: Sequence[datetime]
    others: Sequence[datetime]


def query(environment: str, now: datetime) -> dict[str, Any]:
    """The parameters of GetMetricData, for aligned periods up to the one that runs."""
    heart = _statistic(BEAT, "Sum", _HEART, environment)
    others = [_statistic(f"other{number}", "SampleCount", metric, environment) for number, metric in enumerate(_OTHERS)]
    return {
        "MetricDataQueries": [heart, *others],
        "StartTime": _aligned(now) - SEEN_WITHIN,
        "EndTime": _aligned(now) + PERIOD,
        "ScanBy": "TimestampDescending",
    }


def read(answer: Mapping[str, Any]) -> Pulse:
    """The answer of GetMetricData; raises IncompleteError."""
    beats: list[datetime] = []
    others: list[datetime] = []
    for result in answer["MetricDataResults"]:
        if result.get("StatusCode", "Complete") != "Complete":
            raise IncompleteError(f"CloudWatch answers {result['StatusCode']} for {result['Id']}")
        arrived = [at for at, value in zip(result["Timestamps"], result["Values"], strict=True) if value > 0]
        (beats if result["Id"] == BEAT else others).extend(arrived)
    return Pulse(beats, others)


def assess(pulse: Pulse, now: datetime, *, since: datetime | None = None) -> Heartbeat:
    """What the metrics say of the scheduler, for an environment that is there since some time."""
    silent = periods(now)
    beats = [at for at in pulse.beats if since is None or at + PERIOD > since]
    if any(at >= silent[0] for at in beats):
        return Heartbeat.BEATING
    if not beats:
        return Heartbeat.FILTERED
    arrived = {_aligned(at) for at in pulse.others}
    return Heartbeat.SILENT if arrived.issuperset(silent) else Heartbeat.LATE


def periods(now: datetime) -> list[datetime]:
    """The last whole periods, by their beginning, oldest first.

    >>> [f"{begin:%H:%M}" for begin in periods(datetime(2026, 11, 22, 12, 11, 30, tzinfo=timezone.utc))]
    ['12:00', '12:05']
    >>> [f"{begin:%H:%M}" for begin in periods(datetime(2026, 11, 22, 12, 10, 30, tzinfo=timezone.utc))]
    ['11:55', '12:00']
    """
    end = _aligned(now - SETTLING)
    return [end - PERIOD * number for number in range(PERIODS, 0, -1)]


def _aligned(moment: datetime) -> datetime:
    seconds = moment.timestamp()
    return datetime.fromtimestamp(seconds - seconds % PERIOD.total_seconds(), timezone.utc)


def _statistic(id_: str, statistic: str, metric: _Metric, environment: str) -> dict[str, Any]:
    namespace, name, dimensions = metric
    asked = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": n, "Value": value} for n, value in {**dimensions, "Environment": environment}.items()],
    }
    seconds = int(PERIOD.total_seconds())
    return {"Id": id_, "MetricStat": {"Metric": asked, "Period": seconds, "Stat": statistic}, "ReturnData": True}
