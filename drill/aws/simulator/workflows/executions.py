"""An execution: from its start to its end, which EventBridge hears of.

AWS: an execution keeps the definition and the role that it started with
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html), TimeoutSeconds ends it as
TIMED_OUT (https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html), every change of its status
is an event (https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html) and counted
(https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html).
"""

from __future__ import annotations

import contextvars
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response, now_iso, request_scope
from ministack.services import eventbridge, stepfunctions

from drill.aws.simulator import metrics
from drill.aws.simulator.state import Scales, door, on_reset
from drill.aws.simulator.workflows import redrivable
from drill.aws.simulator.workflows.frame import Frame, History
from drill.aws.simulator.workflows.lifeline import Lifeline, OverError, current
from drill.aws.simulator.workflows.scope import Scope
from drill.aws.simulator.workflows.walk import walk

logger = logging.getLogger("drill.workflows")

COUNTED = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
LARGEST_EVENT = 248 * 1024  # bytes of input or output that the event still carries


@dataclass
class Run:
    """The walk of an execution, and its current attempt."""

    frame: Frame
    timeout: float | None
    lifeline: Lifeline
    expire: Callable[[], None] = lambda: None
    """What its time-out does to the current attempt."""


RUNS: dict[str, Run] = {}


@on_reset
def _forget() -> None:
    for run in RUNS.values():
        run.lifeline.end()
    RUNS.clear()


def mend() -> None:
    """Replace how an execution runs, is stopped, is described and reported."""
    stop, describe = stepfunctions._stop_execution, stepfunctions._describe_execution

    def stop_and_end(data: dict[str, Any]) -> Any:
        answer = stop(data)
        run = RUNS.get(data.get("executionArn", ""))
        if run is not None and answer[0] == 200:
            run.lifeline.end()
        return answer

    def describe_with_redrive(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        if status != 200:
            return status, headers, body
        execution = stepfunctions._executions[data["executionArn"]]
        return json_response({**json.loads(body), **redrive_fields(execution)})

    def add_event(execution: dict[str, Any], kind: str, details: dict[str, Any] | None = None) -> None:
        RUNS[execution["executionArn"]].frame.note(kind, **(details or {}))

    stepfunctions._stop_execution = stop_and_end
    stepfunctions._describe_execution = describe_with_redrive
    stepfunctions._run_execution = start
    stepfunctions._emit_execution_status_event = emit
    stepfunctions._add_event = add_event
    stepfunctions._scaled_sleep = lambda seconds: current.get().pause(seconds)


def start(arn: str) -> None:
    """Walk a new execution to its end."""
    execution = stepfunctions._executions[arn]
    machine = stepfunctions._state_machines[execution["stateMachineArn"]]
    definition = json.loads(machine["definition"])
    context = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": arn,
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "RoleArn": machine["roleArn"],
            "StartTime": execution["startDate"],
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }
    frame = Frame(
        definition=definition,
        data=json.loads(execution["input"]),
        scope=Scope(get_region(), machine["roleArn"], arn),
        history=History(execution["events"]),
        context=context,
        event=1,
    )
    execution["events"][0]["previousEventId"] = 0
    RUNS[arn] = Run(frame, definition.get("TimeoutSeconds"), Lifeline())
    go_on(arn)


def go_on(arn: str) -> None:
    """Walk an execution from where it is, under a lifeline of its own."""
    execution, run = stepfunctions._executions[arn], RUNS[arn]
    lifeline = run.lifeline = Lifeline()
    current.set(lifeline)
    timer = _timer(execution, run, lifeline)
    try:
        output = json.dumps(walk(run.frame))
        finish(execution, "SUCCEEDED", lifeline, output=output)
    except OverError:
        logger.info("execution is over", extra={"execution": arn, "status": execution["status"]})
    except stepfunctions._ExecutionError as error:
        finish(execution, "FAILED", lifeline, error=error.error, cause=error.cause)
    except Exception as error:  # AWS answers States.Runtime, too, for what it could not foresee
        logger.exception("the simulator failed", extra={"execution": arn})
        finish(execution, "FAILED", lifeline, error="States.Runtime", cause=f"{type(error).__name__}: {error}")
    finally:
        if timer is not None:
            timer.cancel()


def _timer(execution: dict[str, Any], run: Run, lifeline: Lifeline) -> threading.Timer | None:
    scope = contextvars.copy_context()
    run.expire = lambda: scope.run(finish, execution, "TIMED_OUT", lifeline, error="States.Timeout", cause="")
    if run.timeout is None:
        return None
    timer = threading.Timer(run.timeout * Scales.timeouts, run.expire)
    timer.daemon = True
    timer.start()
    return timer


@door("workflows/time-out")
def time_out(execution: str) -> None:
    """Let an execution have taken as long as it may, wherever it is."""
    RUNS[execution].expire()


def finish(execution: dict[str, Any], status: str, lifeline: Lifeline, **details: str) -> None:
    """Give an execution its last status, once."""
    if execution["status"] != "RUNNING" or lifeline.is_over:
        return
    lifeline.end()
    execution.update(status=status, stopDate=now_iso(), **details)
    word = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut"}[status]
    note = RUNS[execution["executionArn"]].frame.note
    note(f"Execution{word}", **{f"execution{word}EventDetails": details})
    emit(execution)


def redrive_fields(execution: dict[str, Any]) -> dict[str, Any]:
    """What DescribeExecution says about redrives."""
    refused = redrivable.refusal(execution)
    fields: dict[str, Any] = {
        "redriveCount": execution.get("redriveCount", 0),
        "redriveStatus": "NOT_REDRIVABLE" if refused else "REDRIVABLE",
    }
    if refused:
        fields["redriveStatusReason"] = refused
    if "redriveDate" in execution:
        fields["redriveDate"] = execution["redriveDate"]
    return fields


def emit(execution: dict[str, Any]) -> None:
    """Tell the default event bus of the execution's Region what its status is now."""
    detail = {
        "executionArn": execution["executionArn"],
        "stateMachineArn": execution["stateMachineArn"],
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution["name"],
        "status": execution["status"],
        "startDate": _milliseconds(execution["startDate"]),
        "stopDate": _milliseconds(execution["stopDate"]),
        **_carried(execution, "input"),
        **_carried(execution, "output"),
        "redriveDate": None,
        "redriveStatusReason": None,
        **redrive_fields(execution),
        "error": execution.get("error"),
        "cause": execution.get("cause"),
    }
    detail["redriveDate"] = _milliseconds(execution.get("redriveDate"))
    event = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Detail": json.dumps(detail),
        "Resources": [execution["executionArn"]],
    }
    with request_scope(get_account_id(), execution["executionArn"].split(":")[3]):
        is_redriven = execution["status"] == "RUNNING" and "redriveDate" in execution
        counted = "ExecutionsRedriven" if is_redriven else COUNTED[execution["status"]]
        metrics.count("AWS/States", counted, StateMachineArn=execution["stateMachineArn"])
        eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)


def _carried(execution: dict[str, Any], name: str) -> dict[str, Any]:
    value = execution.get(name)
    if value is None:
        return {name: None, f"{name}Details": None}
    is_small = len(value) <= LARGEST_EVENT
    return {name: value if is_small else None, f"{name}Details": {"included": is_small}}


def _milliseconds(said: str | None) -> int | None:
    return int(redrivable.moment(said).timestamp() * 1000) if said else None
