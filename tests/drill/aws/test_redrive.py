"""Redrive as https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drill.aws import LocalAws
from tests.support.local_aws import INVOKE, Builder, eventually, states

# Fails as long as nobody has put the object `open/<name>`, and counts how often it was asked.
GATE = """
import boto3
def handler(event, context):
    s3, name = boto3.client("s3"), event["name"]
    s3.put_object(Bucket="gate", Key=f"asked/{name}/{context.aws_request_id}")
    if not s3.list_objects_v2(Bucket="gate", Prefix=f"open/{name}")["KeyCount"]:
        raise RuntimeError(f"{name} is closed")
    return event
"""


class Gates:
    """Tasks that fail until they are opened."""

    def __init__(self, build: Builder) -> None:
        self.build, self.s3, self.states = build, build.client("s3"), build.client("stepfunctions")
        build.bucket("gate")
        self.function = build.function(GATE)

    def task(self, name: str, **more: Any) -> dict[str, Any]:
        """A Task behind one gate."""
        parameters = {"FunctionName": self.function, "Payload": {"name": name, "in.$": "$"}}
        return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, "OutputPath": "$.Payload", **more}

    def open(self, *names: str) -> None:
        """From now on these tasks succeed."""
        for name in names:
            self.s3.put_object(Bucket="gate", Key=f"open/{name}")

    def asked(self, name: str) -> int:
        """How often a task was tried."""
        return int(self.s3.list_objects_v2(Bucket="gate", Prefix=f"asked/{name}/")["KeyCount"])

    def redrive(self, execution: str) -> dict[str, Any]:
        """What becomes of an execution that is redriven."""
        self.states.redrive_execution(executionArn=execution)
        return self.build.ended(execution)


@pytest.fixture
def gates(build: Builder) -> Gates:
    """Closed gates."""
    return Gates(build)


def refused(gates: Gates, execution: str) -> str:
    """Why a redrive is refused."""
    with pytest.raises(ClientError) as error:
        gates.states.redrive_execution(executionArn=execution)
    return str(error.value.response["Error"]["Code"])


def test_it_continues_from_the_state_that_failed_with_its_input(gates: Gates) -> None:
    gates.open("first")
    done = gates.build.run(states(First=gates.task("first"), Second=gates.task("second")), {"n": 1})
    assert (done["status"], done["redriveStatus"], done["redriveCount"]) == ("FAILED", "REDRIVABLE", 0)
    gates.open("second")
    again = gates.redrive(done["executionArn"])
    assert (again["status"], again["redriveCount"]) == ("SUCCEEDED", 1)
    assert again["output"] == {"name": "second", "in": {"name": "first", "in": {"n": 1}}}
    assert (gates.asked("first"), gates.asked("second")) == (1, 2)
    events = [event["type"] for event in gates.build.history(done["executionArn"])]
    assert events[events.index("ExecutionFailed") :][:3] == ["ExecutionFailed", "ExecutionRedriven", "TaskScheduled"]


def test_it_uses_the_definition_of_the_start(gates: Gates) -> None:
    machine = gates.build.machine(states(Gate=gates.task("gate"), Say={"Type": "Pass", "Result": "old"}))
    execution = gates.build.start(machine)
    gates.build.ended(execution)
    changed = json.dumps(states(Say={"Type": "Pass", "Result": "new"}))
    gates.states.update_state_machine(stateMachineArn=machine, definition=changed)
    gates.open("gate")
    assert gates.redrive(execution)["output"] == "old"


def test_retries_count_anew(gates: Gates) -> None:
    again = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    done = gates.build.run(states(Gate=gates.task("gate", Retry=again)))
    gates.redrive(done["executionArn"])
    assert gates.asked("gate") == 4


def test_what_was_caught_is_over_so_a_fail_state_fails_again(gates: Gates) -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Give up"}]
    machine = states(Gate=gates.task("gate", Catch=caught), **{"Give up": {"Type": "Fail", "Error": "GaveUp"}})
    machine["States"]["Gate"].update({"End": True})
    machine["States"]["Gate"].pop("Next", None)
    done = gates.build.run(machine)
    gates.open("gate")
    again = gates.redrive(done["executionArn"])
    assert (again["status"], again["error"], gates.asked("gate")) == ("FAILED", "GaveUp", 1)


def test_only_the_branches_that_failed_run_again(gates: Gates) -> None:
    gates.open("good")
    both = [states(Good=gates.task("good")), states(Wait={"Type": "Pass"}, Bad=gates.task("bad"))]
    machine = gates.build.machine(states(Both={"Type": "Parallel", "Branches": both}))
    execution = gates.build.start(machine)
    gates.build.ended(execution)
    eventually(lambda: gates.asked("bad") == 1)
    gates.open("bad")
    again = gates.redrive(execution)
    assert [branch["name"] for branch in again["output"]] == ["good", "bad"]
    assert gates.asked("bad") == 2


def test_a_timed_out_machine_gets_its_time_again(gates: Gates, aws: LocalAws) -> None:
    aws.scale(waits=1)
    done = gates.build.run({**states(Long={"Type": "Wait", "Seconds": 2}), "TimeoutSeconds": 1})
    assert done["status"] == "TIMED_OUT"
    aws.scale(waits=0)
    assert gates.redrive(done["executionArn"])["status"] == "SUCCEEDED"


def test_an_aborted_execution_is_redriven(gates: Gates, aws: LocalAws) -> None:
    aws.scale(waits=1)
    execution = gates.build.start(gates.build.machine(states(Long={"Type": "Wait", "Seconds": 600})))
    eventually(lambda: len(gates.build.history(execution)) > 1)
    gates.states.stop_execution(executionArn=execution)
    aws.scale(waits=0)
    assert gates.redrive(execution)["status"] == "SUCCEEDED"


def test_what_succeeded_or_runs_is_not_redriven(gates: Gates, aws: LocalAws) -> None:
    done = gates.build.run(states(Say={"Type": "Pass"}))
    assert done["redriveStatus"] == "NOT_REDRIVABLE"
    assert refused(gates, done["executionArn"]) == "ExecutionNotRedrivable"
    aws.scale(waits=1)
    running = gates.build.start(gates.build.machine(states(Long={"Type": "Wait", "Seconds": 600})))
    assert refused(gates, running) == "ExecutionNotRedrivable"


def test_after_fourteen_days_it_is_too_late(gates: Gates, aws: LocalAws) -> None:
    execution = gates.build.run(states(Gate=gates.task("gate")))["executionArn"]
    aws.age_execution(execution, days=13.9)
    assert gates.redrive(execution)["status"] == "FAILED"
    aws.age_execution(execution, days=14.1)
    assert refused(gates, execution) == "ExecutionNotRedrivable"
    found = gates.states.describe_execution(executionArn=execution)
    assert found["redriveStatus"] == "NOT_REDRIVABLE"


def test_an_execution_that_is_not_there_is_not_redriven(gates: Gates, aws: LocalAws) -> None:
    nowhere = f"arn:aws:states:us-east-1:{aws.account}:execution:machine:nowhere"
    assert refused(gates, nowhere) == "ExecutionDoesNotExist"
