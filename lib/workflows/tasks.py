"""Kinds of tasks: ask a function, ask Airflow, wait for a DAG, tell people. Each has a timeout and its retries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from lib.constructs.function import Function

MARGIN_SECS = 10
"""What a task may take longer than its function: the start of a Lambda environment."""

PUBLISH_SECS = 30
SUBJECT_LIMIT = 99
"""https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: less than 100 characters"""

BUSY = [
    f"Lambda.{error}"
    for error in (
        "AWSLambdaException",
        "ClientExecutionTimeoutException",
        "SdkClientException",
        "ServiceException",
        "TooManyRequestsException",
    )
]
"""https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception"""

HUNG = ["States.Timeout", "Sandbox.Timedout"]
"""The task's and the function's own timeout; every function can be asked again."""

NOT_NOW = ["NotReady", "AirflowUnavailable"]
"""What our functions raise when asking again may help."""

POLLS = 1000
"""How often one wait asks at most: an execution ends at 25,000 events, and asking takes about ten.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""


@dataclass(frozen=True)
class Patience:
    """How long what is not ready now is asked again, and how often."""

    interval_secs: int = 5
    times: int = 5
    backoff_rate: float = 2

    @classmethod
    def until(cls, deadline_mins: int, *, every_secs: int) -> Patience:
        """Ask until the deadline, evenly."""
        every = interval(every_secs, deadline_mins)
        return cls(every, max(1, deadline_mins * 60 // every), 1)


BRIEFLY = Patience()
"""What is asked again unless a story says otherwise."""


def interval(wanted_secs: int, deadline_mins: int) -> int:
    """The seconds between two polls: as wanted, unless there would be too many until the deadline.

    >>> interval(60, 35), interval(1, 1440)
    (60, 87)
    """
    return max(wanted_secs, math.ceil(deadline_mins * 60 / POLLS))


class Tasks:
    """Makes tasks that run as one role."""

    def __init__(self, scope: Construct, *, role: iam.IRole, topic: sns.ITopic) -> None:
        self.scope = scope
        self._role = role
        self._topic = topic

    def ask(
        self,
        name: str,
        function: Function,
        payload: Mapping[str, Any],
        *,
        result_path: str,
        result_selector: Mapping[str, Any] | None = None,
    ) -> tasks.LambdaInvoke:
        """Ask a function that can be asked again; what is busy or hangs is asked again by itself."""
        task = self.ask_once(name, function, payload, result_path=result_path, result_selector=result_selector)
        _retry_what_passes(task, BRIEFLY)
        return task

    def ask_once(
        self,
        name: str,
        function: Function,
        payload: Mapping[str, Any],
        *,
        result_path: str,
        result_selector: Mapping[str, Any] | None = None,
    ) -> tasks.LambdaInvoke:
        """Ask a function; the caller says what is asked again."""
        return tasks.LambdaInvoke(
            self.scope,
            name,
            lambda_function=function.function,
            payload=sfn.TaskInput.from_object(_with_nulls(payload)),
            payload_response_only=True,
            retry_on_service_exceptions=False,
            result_selector=result_selector,
            result_path=result_path,
            task_timeout=sfn.Timeout.duration(Duration.seconds(seconds_of(function))),
        )

    def ask_airflow(
        self,
        name: str,
        copies: Sequence[Function],
        path: str,
        payload: Mapping[str, Any],
        *,
        keep: tuple[str, ...],
        result_path: str,
        more: Mapping[str, str] | None = None,
        patience: Patience = BRIEFLY,
    ) -> sfn.CustomState:
        """Ask the copy of a function, in or outside the VPC, whose ARN stands at the path.

        Keep some of its answer, and `more`: field -> path in the context of the execution.
        """
        kept = {field: f"$.Payload.{field}" for field in keep} | dict(more or {})
        task = self._invoke(
            name,
            "lambda:invoke",
            copies,
            _parameters(path, payload),
            {
                "ResultSelector": {f"{field}.$": path for field, path in kept.items()},
                "ResultPath": result_path,
                "TimeoutSeconds": seconds_of(*copies),
            },
        )
        _retry_what_passes(task, patience)
        return task

    def wait_for_airflow(
        self,
        name: str,
        copies: Sequence[Function],
        path: str,
        payload: Mapping[str, Any],
        *,
        timeout: Duration,
        heartbeat: Duration,
        result_path: str,
    ) -> sfn.CustomState:
        """Let that copy of a function begin something that answers by itself; each attempt has a token of its own."""
        task = self._invoke(
            name,
            "lambda:invoke.waitForTaskToken",
            copies,
            _parameters(path, payload),
            {
                "ResultPath": result_path,
                "TimeoutSeconds": timeout.to_seconds(),
                "HeartbeatSeconds": heartbeat.to_seconds(),
            },
        )
        # A function that hung may have begun something already; that is a matter for people.
        _retry(task, BUSY, Patience(2, 4))
        _retry(task, NOT_NOW, BRIEFLY)
        return task

    def tell(self, name: str, *, subject: str, message: str, result_path: str) -> tasks.SnsPublish:
        """Tell the subscribers of the topic."""
        task = tasks.SnsPublish(
            self.scope,
            name,
            topic=self._topic,
            subject=subject[:SUBJECT_LIMIT],
            message=sfn.TaskInput.from_text(message),
            result_path=result_path,
            task_timeout=sfn.Timeout.duration(Duration.seconds(PUBLISH_SECS)),
        )
        _retry(task, ["States.ALL"], Patience(2, 2))
        return task

    def begin(self, name: str, state_machine: str, *, result_path: str) -> tasks.StepFunctionsStartExecution:
        """Start another workflow, by its ARN, and do not wait for it."""
        machine = sfn.StateMachine.from_state_machine_arn(self.scope, f"{name}: machine", state_machine)
        task = tasks.StepFunctionsStartExecution(
            self.scope,
            name,
            state_machine=machine,
            input=sfn.TaskInput.from_object({}),
            result_path=result_path,
            task_timeout=sfn.Timeout.duration(Duration.seconds(PUBLISH_SECS)),
        )
        _retry(task, ["States.ALL"], Patience(2, 2))
        return task

    def _invoke(
        self,
        name: str,
        integration: str,
        copies: Sequence[Function],
        parameters: Mapping[str, Any],
        rest: Mapping[str, Any],
    ) -> sfn.CustomState:
        for function in copies:
            function.function.grant_invoke(self._role)
        resource = f"arn:{Aws.PARTITION}:states:::{integration}"
        state = {"Type": "Task", "Resource": resource, "Parameters": parameters, **rest}
        return sfn.CustomState(self.scope, name, state_json=state)


def _parameters(path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"FunctionName.$": path, "Payload": sfn.FieldUtils.render_object(_with_nulls(payload))}


def _with_nulls(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with every None as an expression: on its way into the template a plain null would get lost."""
    null = sfn.JsonPath.string_to_json("null")
    return {
        name: null if value is None else _with_nulls(value) if isinstance(value, dict) else value
        for name, value in payload.items()
    }


def seconds_of(*functions: Function) -> int:
    """How long a task that asks one of the functions may take."""
    timeouts = [function.function.timeout or Duration.seconds(3) for function in functions]  # 3: Lambda's default
    return int(max(timeout.to_seconds() for timeout in timeouts)) + MARGIN_SECS


def _retry_what_passes(task: tasks.LambdaInvoke | sfn.CustomState, patience: Patience) -> None:
    _retry(task, BUSY, Patience(2, 4))
    _retry(task, HUNG, Patience(2, 1))
    _retry(task, NOT_NOW, patience)


def _retry(task: sfn.TaskStateBase | sfn.CustomState, errors: list[str], how: Patience) -> None:
    task.add_retry(
        errors=errors,
        interval=Duration.seconds(how.interval_secs),
        max_attempts=how.times,
        backoff_rate=how.backoff_rate,
    )
