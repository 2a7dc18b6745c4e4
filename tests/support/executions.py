"""Run a workflow in moto's interpreter of Amazon States Language, with functions that answer from a script."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.sns.models import sns_backends

from docs.specimen import Specimen

ACCOUNT = "123456789012"
REGION = "us-west-2"
MOTO = "moto.stepfunctions.parser"
EVALUATION = f"{MOTO}.asl.component"

Json = dict[str, Any]
Answer = Any
"""What a function returns, or the exception that it raises; a list of them answers one call after the other, the last
one stands for all that follow. In place of an answer to a task token, None stands for silence."""

Script = Mapping[str, Answer]

BEGUN = {"started_at": "2026-11-22T02:00:00+00:00", "redrive_count": 0}
UNHEALTHY = {"decision": "RECOVER", "reason": "no heartbeat", "notify": False, "in_a_row": 1}

FAILOVER: Json = {
    "backup_id": "20261122T010000Z-0123456789ab",
    "snapshot_time": "2026-11-22T01:00:00Z",
    "paused_at_creation_was": False,
}

ANSWERS: Script = {
    "execution_input": {"simulate": False, "force": False, "activate_dags": True},
    "health_check": {"answer": "HEALTHY", "reason": "it beats", "simulated": False},
    "decide": UNHEALTHY,
    "blueprint.store": {"stored": True, "why": "it has changed"},
    "freshness": {"backup_id": "20261122T010000Z-0123456789ab", "trouble": ""},
    "attention": {"told": []},
    "records.take_lease": {"outcome": "TAKEN", "holder": "us", "reason": "nobody acts", "redrive_count": 0},
    "records.hold_lease": {"outcome": "TAKEN", "holder": "us", "reason": "still us", "redrive_count": 0},
    "records.record_failover": FAILOVER,
    "records.finish_failover": {"finished": True},
    "records.release": {"released": True},
    "approval.ask": {"deadline": "2026-11-22T12:00:00+00:00"},
    "approval.look": {"answer": "APPROVED"},
    "preflight": {
        "backup_id": FAILOVER["backup_id"],
        "backup_environment": "primary.us-east-1",
        "snapshot_time": FAILOVER["snapshot_time"],
        "age_seconds": 3600,
        "warnings": [],
        "object_versions": {},
    },
    "schedule": {"changed": True, "why": "it was ENABLED"},
    "environment.create": {"outcome": "CREATING", "paused_at_creation_was": False, **BEGUN},
    "environment.wait": {"outcome": "READY", "status": "AVAILABLE"},
    "environment.look": {
        "status": "AVAILABLE",
        "web_server": "PUBLIC",
        "version": "2.10.3",
        "tags": {},
        "created_at": "",
    },
    "environment.unpause_at_creation": {"changed": True, "why": "it becomes False, as it was"},
    "dag.parsed": {"ready": True, "why": ""},
    "dag.trigger": {"run_id": "dr-0123456789ab"},
    "own_environment.own": {"variables": [], "scheduled": False},
    "cleanup_metadata": {"rows": 0},
    "restore_metadata": {"rows": 12},
}
"""A recovery without any trouble: module, or module.op, or DAG -> what it answers."""


@dataclass
class Execution:
    """What became of an execution."""

    status: str = ""
    error: str = ""
    states: list[str] = field(default_factory=list)
    """The states in the order in which they were entered."""
    asked: list[tuple[str, Json]] = field(default_factory=list)
    """Function and payload; a function in the VPC is named so."""
    told: list[tuple[str, str]] = field(default_factory=list)
    """Subject and message."""

    def payloads(self, name: str) -> list[Json]:
        """What a function, or one of its ops, was asked."""
        return [payload for asked, payload in self.asked if name in (asked, _op(asked, payload))]


def execute(workflow: Specimen, script: Script | None = None, *, is_topic_there: bool = True) -> Execution:
    """Run it to its end."""
    execution = Execution()
    functions = _Functions({**ANSWERS, **(script or {})}, execution)
    with _interpreter(functions), mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        topic = boto3.client("sns", REGION).create_topic(Name="topic")["TopicArn"]
        deployed = _deployed(workflow, topic if is_topic_there else f"{topic}-gone")
        _run(boto3.client("stepfunctions", REGION), deployed, execution)
        sent = sns_backends[ACCOUNT][REGION].topics[topic].sent_notifications
        execution.told = [(str(subject), message) for _, message, subject, *_ in sent]
    return execution


class _Functions:
    """In the place of the client for Lambda: answers from the script."""

    def __init__(self, script: Script, execution: Execution) -> None:
        self._left = {name: _listed(answers) for name, answers in script.items()}
        self._execution = execution

    def invoke(self, FunctionName: str, Payload: bytes, **_: Any) -> Json:  # noqa: N803 - as boto3 has it
        name, payload = FunctionName.rpartition(":")[2], json.loads(Payload)
        self._execution.asked.append((name, payload))
        answer = self._next(_op(name, payload))
        if isinstance(answer, Exception):
            return _failed(answer)
        if "task_token" in payload:
            self._answer_later(payload["task_token"], self._next(payload["dag_id"]))
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode()), "ExecutedVersion": "$LATEST"}

    def _next(self, name: str) -> Answer:
        left = self._left[name]
        return left.pop(0) if len(left) > 1 else left[0]

    @staticmethod
    def _answer_later(token: str, answer: Answer) -> None:
        states = boto3.client("stepfunctions", REGION)

        def tell() -> None:
            if isinstance(answer, Exception):
                states.send_task_failure(taskToken=token, error=type(answer).__name__, cause=str(answer))
            elif answer is not None:
                states.send_task_success(taskToken=token, output=json.dumps(answer))

        threading.Timer(0.2, tell).start()


def _op(name: str, payload: Json) -> str:
    module = name.removesuffix("_inside").removesuffix("_outside").replace("own", "own_environment")
    return f"{module}.{payload['op']}" if "op" in payload else module


def _listed(answers: Answer) -> list[Answer]:
    return [*answers] if isinstance(answers, list) else [answers]


def _failed(error: Exception) -> Json:
    told = {"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": []}
    return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(told).encode())}


def _deployed(workflow: Specimen, topic: str) -> str:
    """The definition with the ARNs that a deployment would put in, and with no time to lose."""
    text = json.dumps(workflow.definition)
    for id_, function in workflow.resources("AWS::Lambda::Function").items():
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function['Properties']['Description']}"
        text = text.replace(f"<{id_}>", arn)
    (topic_id,) = workflow.resources("AWS::SNS::Topic")
    definition = json.loads(text.replace(f"<{topic_id}>", topic))
    for state in definition["States"].values():
        if "HeartbeatSeconds" in state:
            state["HeartbeatSeconds"] = 2
    return json.dumps(definition)


def _run(states: Any, definition: str, execution: Execution) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/states"
    machine = states.create_state_machine(name="recovery", definition=definition, roleArn=role)["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    pause = threading.Event()
    while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        pause.wait(0.05)
    execution.status, execution.error = found["status"], found.get("error", "")
    for page in states.get_paginator("get_execution_history").paginate(executionArn=arn):
        execution.states += [
            event["stateEnteredEventDetails"]["name"] for event in page["events"] if "stateEnteredEventDetails" in event
        ]


@contextmanager
def _interpreter(functions: _Functions) -> Iterator[None]:
    """What moto has not: our functions, pauses that take no time, and RedriveCount, which AWS always tells."""
    with ExitStack() as patches:
        put: Callable[[str, Any], Any] = lambda name, new: patches.enter_context(patch(name, new))  # noqa: E731
        put(f"{EVALUATION}.state.exec.state_task.lambda_eval_utils.boto_client_for", lambda **_: functions)
        put(f"{EVALUATION}.common.retry.retrier_decl.time", SimpleNamespace(sleep=lambda _: None))
        put(f"{EVALUATION}.state.wait.wait_function.wait_function.WaitFunction._wait_interval", lambda *_, **__: None)
        put(f"{MOTO}.backend.execution_worker.ExecutionData", lambda **known: {**known, "RedriveCount": 0})
        yield
