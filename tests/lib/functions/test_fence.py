"""A primary that comes back after a failover."""

from __future__ import annotations

from typing import Any

import pytest

from lib.functions import records
from lib.functions.errors import Misconfigured
from lib.functions.fence import handler
from tests.support.record_tables import FACTS, PRIMARY, RECORDS, SECONDARY, Account


def fail_over() -> None:
    event = {"records": RECORDS, "execution": "one", "environment": SECONDARY, **FACTS}
    for op in ("take_lease", "record_failover"):
        records.handler({"op": op, **event}, None)


def look() -> dict[str, Any]:
    return handler({"op": "look", "records": RECORDS}, None)


def alarm(aws: Account) -> bool:
    reason = look()["reason"]
    event = {"op": "alarm", "records": RECORDS, "topic_arn": aws.topic, "primary": PRIMARY, "reason": reason}
    return bool(handler(event, None)["told"])


def test_a_primary_without_a_failover_may_run(aws: Account) -> None:
    assert look()["failed_over"] is False


def test_after_a_failover_it_has_to_stay_quiet_until_rearmed(aws: Account) -> None:
    fail_over()
    found = look()
    assert found["failed_over"] is True
    assert (
        found["reason"] == "the environment runs as my-mwaa-dr.us-west-2 since 2026-11-22T12:11:30+00:00, "
        "recovered by one"
    )
    records.handler({"op": "rearm", "records": RECORDS}, None)
    assert look()["failed_over"] is False


def test_a_record_that_cannot_be_read_neither_frees_nor_fences_it(aws: Account) -> None:
    with pytest.raises(Misconfigured):
        handler({"op": "look", "records": {**RECORDS, "table": "other"}}, None)


def test_the_alarm_comes_once_an_hour(aws: Account) -> None:
    fail_over()
    told = []
    for _ in range(26):
        told.append(alarm(aws))
        aws.later(minutes=5)
    assert [number * 5 for number, was_told in enumerate(told) if was_told] == [0, 60, 120]
    assert len(aws.told()) == 3


def test_the_alarm_says_where_it_runs_and_what_to_do(aws: Account) -> None:
    fail_over()
    alarm(aws)
    [(subject, text)] = aws.told()
    assert subject == "my-mwaa runs in both Regions"
    for part in ("my-mwaa in us-east-1", "my-mwaa-dr.us-west-2", "FENCE_PRIMARY=YES", "./build.sh rearm"):
        assert part in text


def test_after_rearming_the_next_failover_alarms_at_once(aws: Account) -> None:
    fail_over()
    assert alarm(aws)
    records.handler({"op": "rearm", "records": RECORDS}, None)
    fail_over()
    assert alarm(aws)
