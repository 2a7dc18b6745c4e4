"""One attempt of a Task: its input, the call, its time-outs, its token, its events."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions

from drill.aws.simulator import faults
from drill.aws.simulator.workflows import integrations, tokens
from drill.aws.simulator.workflows.frame import Frame
from drill.aws.simulator.workflows.integrations import TOKEN
from drill.aws.simulator.workflows.lifeline import current


def attempt(frame: Frame, state: dict[str, Any]) -> Any:
    """The raw result of the resource; raises ministack's _ExecutionError."""
    resource = state["Resource"]
    token = tokens.issue(frame.context["StateMachine"]["Id"], current.get()) if resource.endswith(TOKEN) else ""
    if token:
        frame.context["Task"] = {"Token": token}
    data = _input(frame, state)
    named = _named(resource)
    scheduled = {**named, "region": frame.scope.region, "parameters": json.dumps(data)}
    frame.note("TaskScheduled", taskScheduledEventDetails=scheduled)
    frame.note("TaskStarted", taskStartedEventDetails=named)
    try:
        with faults.in_state(*_where(frame)):
            result = _call(frame, state, data, token)
    except stepfunctions._ExecutionError as error:
        said = {**named, "error": error.error, "cause": error.cause}
        if error.error in ("States.Timeout", "States.HeartbeatTimeout"):
            frame.note("TaskTimedOut", taskTimedOutEventDetails=said)
        else:
            frame.note("TaskFailed", taskFailedEventDetails=said)
        raise
    finally:
        if token:
            tokens.close(token)
    frame.note("TaskSucceeded", taskSucceededEventDetails={**named, "output": json.dumps(result)})
    return result


def _call(frame: Frame, state: dict[str, Any], data: Any, token: str) -> Any:
    lifeline, timeout = current.get(), _seconds(frame, state, "TimeoutSeconds")
    in_time, result = lifeline.call(lambda: integrations.call(state["Resource"], data, frame.scope), timeout)
    if in_time and token:
        result = tokens.wait(token, timeout, _seconds(frame, state, "HeartbeatSeconds"))
    if not in_time or faults.is_late(*_where(frame)):
        raise stepfunctions._ExecutionError("States.Timeout", "")
    return result


def _where(frame: Frame) -> tuple[str, str]:
    return frame.context["StateMachine"]["Name"], frame.context["State"]["Name"]


def _input(frame: Frame, state: dict[str, Any]) -> Any:
    if stepfunctions._state_query_language(state, frame.context) == "JSONata":
        return stepfunctions._apply_jsonata_arguments(state, frame.data, frame.context)
    data = stepfunctions._apply_input_path(state, frame.data, frame.context)
    return stepfunctions._apply_parameters(state, data, frame.context)


def _seconds(frame: Frame, state: dict[str, Any], name: str) -> float | None:
    """TimeoutSeconds or HeartbeatSeconds: a number, a path into the input, or a JSONata expression."""
    if f"{name}Path" in state:
        return float(stepfunctions._resolve_path_or_ctx(state[f"{name}Path"], frame.data, frame.context))
    if name not in state:
        return None
    return float(stepfunctions._apply_jsonata_template(state[name], frame.data, frame.context))


def _named(resource: str) -> dict[str, str]:
    """How the history names a resource: `lambda` and `invoke.waitForTaskToken`, `aws-sdk:mwaa` and `getEnvironment`."""
    if not resource.startswith("arn:aws:states:::"):
        return {"resourceType": "lambda" if ":lambda:" in resource else "activity", "resource": resource}
    kind, _, action = resource[len("arn:aws:states:::") :].rpartition(":")
    if action == "2":  # startExecution.sync:2
        kind, _, action = kind.rpartition(":")
        action += ":2"
    return {"resourceType": kind, "resource": action}
