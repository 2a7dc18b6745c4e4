"""Callbacks as https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html says."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws import WAIT_FOR_TOKEN, Builder, eventually, states

QUEUE = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


class Waiting:
    """A machine whose one task hands its token to a queue."""

    def __init__(self, build: Builder, **task: Any) -> None:
        self.build, self.sqs = build, build.client("sqs")
        self.url = self.sqs.create_queue(QueueName="tokens")["QueueUrl"]
        message = {"QueueUrl": self.url, "MessageBody.$": "$$.Task.Token"}
        self.machine = build.machine(
            states(Wait={"Type": "Task", "Resource": QUEUE, "Parameters": message, **task}, Caught={"Type": "Pass"})
        )
        self.execution = build.start(self.machine, {"beat": 1})
        self.states = build.client("stepfunctions")

    def token(self) -> str:
        """The next token."""
        found = eventually(lambda: self.sqs.receive_message(QueueUrl=self.url).get("Messages"))
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=found[0]["ReceiptHandle"])
        return str(found[0]["Body"])

    def ended(self) -> dict[str, Any]:
        """What became of the execution."""
        return self.build.ended(self.execution)


def caught(error: str) -> dict[str, Any]:
    """A Catch for one error."""
    return {"Catch": [{"ErrorEquals": [error], "Next": "Caught"}]}


def code(call: Any, **arguments: Any) -> str:
    """The error code that a call ends with."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def test_what_is_sent_is_the_result(build: Builder) -> None:
    task = Waiting(build)
    task.states.send_task_success(taskToken=task.token(), output='{"rows": 3}')
    assert task.ended()["output"] == {"rows": 3}


def test_a_failure_that_is_sent_is_caught_by_its_name(build: Builder) -> None:
    task = Waiting(build, **caught("Restore.Failed"))
    task.states.send_task_failure(taskToken=task.token(), error="Restore.Failed", cause="why")
    assert task.ended()["output"] == {"Error": "Restore.Failed", "Cause": "why"}


def test_a_function_that_fails_before_it_hands_on_the_token_fails_the_task(build: Builder) -> None:
    function = build.function("def handler(event, context): raise LookupError('no DAG')")
    task = {"Type": "Task", "Resource": WAIT_FOR_TOKEN, "Parameters": {"FunctionName": function, "Payload": {}}}
    assert build.run(states(Wait=task))["error"] == "LookupError"


def test_silence_longer_than_the_heartbeat_fails_the_task(build: Builder) -> None:
    task = Waiting(build, HeartbeatSeconds=1, **caught("States.HeartbeatTimeout"))
    assert task.ended()["output"]["Error"] == "States.HeartbeatTimeout"
    assert "TaskTimedOut" in [event["type"] for event in build.history(task.execution)]


def test_heartbeats_keep_a_task_alive_beyond_its_heartbeat_seconds(build: Builder) -> None:
    task = Waiting(build, HeartbeatSeconds=2)
    token, begun = task.token(), time.monotonic()
    while time.monotonic() < begun + 3:
        task.states.send_task_heartbeat(taskToken=token)
        time.sleep(0.1)
    task.states.send_task_success(taskToken=token, output="{}")
    assert task.ended()["status"] == "SUCCEEDED"


def test_the_heartbeat_may_come_from_the_input(build: Builder) -> None:
    task = Waiting(build, HeartbeatSecondsPath="$.beat", **caught("States.HeartbeatTimeout"))
    assert task.ended()["output"]["Error"] == "States.HeartbeatTimeout"


def test_a_task_that_is_never_answered_times_out(build: Builder) -> None:
    task = Waiting(build, TimeoutSeconds=1, **caught("States.Timeout"))
    assert task.ended()["output"]["Error"] == "States.Timeout"


def test_each_attempt_has_a_token_of_its_own(build: Builder) -> None:
    task = Waiting(build, Retry=[{"ErrorEquals": ["Again"]}])
    first = task.token()
    task.states.send_task_failure(taskToken=first, error="Again")
    second = task.token()
    assert first != second
    assert code(task.states.send_task_success, taskToken=first, output="{}") == "TaskTimedOut"
    task.states.send_task_success(taskToken=second, output="{}")
    assert task.ended()["status"] == "SUCCEEDED"


def test_a_token_is_dead_once_its_execution_was_stopped(build: Builder) -> None:
    task = Waiting(build)
    token = task.token()
    task.states.stop_execution(executionArn=task.execution)
    assert code(task.states.send_task_heartbeat, taskToken=token) == "TaskTimedOut"
    assert code(task.states.send_task_success, taskToken=token, output="{}") == "TaskTimedOut"
    assert task.ended()["status"] == "ABORTED"


def test_tokens_that_were_never_given_are_refused(build: Builder) -> None:
    states = build.client("stepfunctions")
    assert code(states.send_task_success, taskToken="nonsense", output="{}") == "InvalidToken"
    assert code(states.send_task_success, taskToken="AQ" + "0" * 64, output="{}") == "TaskDoesNotExist"


def test_an_output_that_is_not_json_is_refused(build: Builder) -> None:
    task = Waiting(build)
    token = task.token()
    assert code(task.states.send_task_success, taskToken=token, output="done") == "InvalidOutput"
    task.states.send_task_success(taskToken=token, output=json.dumps("done"))
    assert task.ended()["output"] == "done"
