"""Pauses between attempts: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html."""

from __future__ import annotations

from drill.aws.simulator.workflows.retry import delay


def test_a_pause_grows_by_the_backoff_rate_from_one_second() -> None:
    assert [delay({}, retried) for retried in range(4)] == [1, 2, 4, 8]


def test_a_pause_is_never_longer_than_max_delay_seconds() -> None:
    rule = {"IntervalSeconds": 30, "BackoffRate": 2, "MaxDelaySeconds": 90}
    assert [delay(rule, retried) for retried in range(4)] == [30, 60, 90, 90]


def test_full_jitter_stays_below_the_pause() -> None:
    rule = {"IntervalSeconds": 30, "JitterStrategy": "FULL"}
    pauses = [delay(rule, 1) for _ in range(100)]
    assert all(0 <= pause <= 60 for pause in pauses)
    assert len(set(pauses)) > 1
