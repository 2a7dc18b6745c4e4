"""What a health check, and the ones before it, come to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lib.functions.decide import handler
from lib.functions.record_table import HEALTH
from tests.support.record_tables import RECORDS, Account, account

_numbers = itertools.count()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with account(monkeypatch) as made:
        yield made


def caught(error: str, reason: str = "why") -> dict[str, str]:
    """An error of the health check as Step Functions catches it."""
    said = json.dumps({"reason": reason, "checks": {}, "simulated": False})
    return {"Error": error, "Cause": json.dumps({"errorMessage": said, "errorType": error, "stackTrace": []})}


HEALTHY = {"answer": "HEALTHY", "reason": "it beats", "simulated": False}
STOPPED = {"answer": "STOPPED", "reason": "on purpose", "simulated": False}
UNHEALTHY, UNKNOWN = caught("Unhealthy"), caught("Unknown")


def decide(health: dict[str, Any], *, n: int = 1, on_unknown: bool = False, execution: str = "") -> dict[str, Any]:
    event = {
        "health": health,
        "records": RECORDS,
        "execution": execution or f"execution-{next(_numbers)}",
        "consecutive": n,
        "failover_on_unknown": on_unknown,
        "input": {},
    }
    return handler(event, None)


@pytest.mark.parametrize(
    ("health", "on_unknown", "decision"),
    [
        (HEALTHY, False, "HEALTHY"),
        (STOPPED, False, "STOPPED"),
        (STOPPED, True, "STOPPED"),
        (UNHEALTHY, False, "RECOVER"),
        (UNKNOWN, False, "UNKNOWN"),
        (UNKNOWN, True, "RECOVER"),
    ],
)
def test_each_answer_leads_to_its_decision(
    aws: Account, health: dict[str, Any], on_unknown: bool, decision: str
) -> None:
    assert decide(health, on_unknown=on_unknown)["decision"] == decision


@pytest.mark.parametrize(
    "health",
    [
        {"Error": "States.Timeout", "Cause": ""},
        {"Error": "Sandbox.Timedout", "Cause": '{"errorMessage": "timed out after 60 s"}'},
        {"Error": "Lambda.TooManyRequestsException", "Cause": "throttled"},
        {"Error": "Runtime.ExitError", "Cause": '{"errorType": "Runtime.ExitError"}'},
        {"Error": "Misconfigured", "Cause": '{"errorMessage": "denied"}'},
        {"Error": "KeyError", "Cause": '{"errorMessage": "primary"}'},
        {"Error": "States.TaskFailed"},
        {},
    ],
)
def test_a_crash_or_time_out_of_the_check_is_unknown(aws: Account, health: dict[str, Any]) -> None:
    assert decide(health)["decision"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        (HEALTHY, "it beats"),
        (caught("Unhealthy", "MWAA says UNAVAILABLE"), "Unhealthy: MWAA says UNAVAILABLE"),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout"),
        ({"Error": "KeyError", "Cause": '{"errorMessage": "primary"}'}, "KeyError: primary"),
        (
            {"Error": "Lambda.Unknown", "Cause": "The cause could not\nbe determined"},
            "Lambda.Unknown: The cause could not be determined",
        ),
        ({}, "no reason was given"),
    ],
)
def test_the_reason_is_handed_on_in_words(aws: Account, health: dict[str, Any], reason: str) -> None:
    assert decide(health)["reason"] == reason


def test_recovery_waits_for_as_many_unhealthy_checks_in_a_row_as_configured(aws: Account) -> None:
    told = [decide(UNHEALTHY, n=3) for _ in range(4)]
    assert [one["decision"] for one in told] == ["WATCH", "WATCH", "RECOVER", "RECOVER"]
    assert [one["in_a_row"] for one in told] == [1, 2, 3, 4]


@pytest.mark.parametrize("other", [HEALTHY, STOPPED, UNKNOWN])
def test_any_other_answer_ends_the_row(aws: Account, other: dict[str, Any]) -> None:
    decisions = [decide(health, n=2)["decision"] for health in (UNHEALTHY, other, UNHEALTHY, UNHEALTHY)]
    assert decisions[2:] == ["WATCH", "RECOVER"]


def test_unknown_checks_count_where_they_lead_to_recovery(aws: Account) -> None:
    told = [decide(health, n=3, on_unknown=True)["decision"] for health in (UNHEALTHY, UNKNOWN, UNKNOWN)]
    assert told == ["WATCH", "UNKNOWN", "RECOVER"]


def test_the_same_execution_counts_once(aws: Account) -> None:
    told = [decide(UNHEALTHY, n=2, execution="one") for _ in range(3)]
    assert {(one["decision"], one["in_a_row"]) for one in told} == {("WATCH", 1)}


def test_a_simulated_disaster_recovers_at_once_and_leaves_no_record(aws: Account) -> None:
    simulated = {"answer": "UNHEALTHY", "reason": "simulated", "simulated": True}
    assert decide(simulated, n=5) == {"decision": "RECOVER", "reason": "simulated", "notify": False, "in_a_row": 0}
    assert aws.table.get(HEALTH) == {}


@pytest.mark.parametrize("health", [UNKNOWN, UNHEALTHY])
def test_somebody_is_told_when_the_answer_turns_and_then_once_an_hour(aws: Account, health: dict[str, Any]) -> None:
    told = []
    for _ in range(26):
        told.append(decide(health, n=100)["notify"])
        aws.later(minutes=5)
    assert [number * 5 for number, notify in enumerate(told) if notify] == [0, 60, 120]


def test_an_answer_that_turns_again_is_told_again(aws: Account) -> None:
    told = [decide(health)["notify"] for health in (UNKNOWN, HEALTHY, UNKNOWN, UNKNOWN)]
    assert told == [True, False, True, False]


@pytest.mark.parametrize("health", [HEALTHY, STOPPED, UNHEALTHY])
def test_what_ends_or_tells_itself_is_not_notified(aws: Account, health: dict[str, Any]) -> None:
    assert decide(health)["notify"] is False


def test_a_long_reason_is_cut(aws: Account) -> None:
    assert len(decide(caught("Unknown", "x" * 30_000))["reason"]) <= 2000
