"""What an execution's history tells of its states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from drill.executions import Execution, Executions
from drill.stop_start.verdict import TOLD_STATES
from drill.strategies import BACKUP_RESTORE, STOP_START, STRATEGIES, WARM_STANDBY, Strategy

BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
ARN = "arn:aws:states:us-west-2:111222333444:execution:machine:one"
CREATE, LOOK, RESTORE = (
    "Create the secondary environment",
    "Look whether the secondary is available",
    "Restore the metadata",
)


def event(number: int, state: str, *, entered: bool) -> dict[str, Any]:
    kind = "Entered" if entered else "Exited"
    return {
        "id": number,
        "type": f"TaskState{kind}",
        "timestamp": BEGIN + timedelta(seconds=number),
        f"state{kind}EventDetails": {"name": state},
    }


def seen(*steps: tuple[str, bool], status: str = "RUNNING", **more: Any) -> Execution:
    """An execution whose history has one event each second."""
    states = boto3.client("stepfunctions", region_name="us-west-2")
    said: Mapping[str, Any] = {
        "executionArn": ARN,
        "stateMachineArn": ARN.replace("execution", "stateMachine"),
        "status": status,
        "startDate": BEGIN,
        **more,
    }
    events = [event(number, state, entered=entered) for number, (state, entered) in enumerate(steps, start=1)]
    with Stubber(states) as stubber:
        stubber.add_response("describe_execution", said)
        stubber.add_response("get_execution_history", {"events": events})
        return Executions(states, "machine").look(ARN)


def test_a_state_that_is_entered_again_is_told_each_time() -> None:
    found = seen((LOOK, True), (LOOK, False), (LOOK, True))
    assert found.path == [LOOK, LOOK]
    first, last = found.first_visit(LOOK), found.visit(LOOK)
    assert first
    assert first.left == BEGIN + timedelta(seconds=2)
    assert last
    assert (last.entered, last.left) == (BEGIN + timedelta(seconds=3), None)


def test_only_what_takes_the_lease_recovers() -> None:
    assert seen(("Take the lease", True)).is_recovery
    assert not seen(("Decide what to do", True), status="SUCCEEDED").is_recovery


def test_an_error_is_told() -> None:
    found = seen((RESTORE, True), status="FAILED", error="TaskKilled", cause="why", stopDate=BEGIN)
    assert (found.is_over, found.error, found.cause) == (True, "TaskKilled", "why")


def test_a_creation_lasts_until_the_last_look() -> None:
    steps = [(CREATE, True), (CREATE, False), (LOOK, True), (LOOK, False), (LOOK, True), (LOOK, False)]
    found = seen(*steps, (RESTORE, True), (RESTORE, False))
    measured = {name: length.total_seconds() for name, length in BACKUP_RESTORE.measured(found)}
    assert measured == {"environment creation": 5, "metadata restore": 1}


def test_what_did_not_end_is_not_measured() -> None:
    assert dict(WARM_STANDBY.measured(seen((RESTORE, True)))) == {}


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_states_that_are_measured_are_those_of_the_workflow(name: str) -> None:
    strategy = STRATEGIES[name]
    states = states_of(strategy)
    assert {span.first for span in strategy.spans} | {span.last for span in strategy.spans} <= states


def states_of(strategy: Strategy) -> set[str]:
    """The states of a recovery, or of a stop and a start."""
    from docs.specimen import example_plan, specimen, transition
    from lib.config import Config
    from tests.support.account import EXAMPLE

    if strategy is STOP_START:
        return {state for what in TOLD_STATES for state in transition(example_plan(), what).states}
    config = Config.load(EXAMPLE, {"DR_TYPE": strategy.dr_type}).disaster_recovery
    assert config
    return {*specimen(config).states}


def test_the_states_that_are_told_are_those_of_a_stop_and_a_start() -> None:
    from docs.specimen import example_plan, transition

    for what, told in TOLD_STATES.items():
        assert told.keys() <= transition(example_plan(), what).states.keys()
