"""Task tokens: a fresh one for each attempt, dead as soon as nobody waits for it, kept alive by heartbeats.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token and the errors of
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html: InvalidOutput, InvalidToken,
TaskDoesNotExist, TaskTimedOut ("the task token has either expired or the task ... has already been closed").
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import stepfunctions

from drill.aws.simulator.state import Scales, on_reset
from drill.aws.simulator.workflows.lifeline import CHECK_SECONDS, Lifeline

_TOKEN = re.compile(r"^AQ[0-9a-f]{64}$")


@dataclass
class Waiting:
    """A task that waits for its token."""

    scope: tuple[str, str]  # account and Region: elsewhere a token means nothing
    machine: str
    """The ARN of the state machine."""
    lifeline: Lifeline
    answered: threading.Event = field(default_factory=threading.Event)
    output: Any = None
    error: tuple[str, str] | None = None
    beat: float = field(default_factory=time.monotonic)
    is_closed: bool = False


_waiting: dict[str, Waiting] = {}
on_reset(_waiting.clear)


def mend() -> None:
    """Replace the three answers to a token."""
    stepfunctions._send_task_success = _success
    stepfunctions._send_task_failure = _failure
    stepfunctions._send_task_heartbeat = _heartbeat


def issue(machine: str, lifeline: Lifeline) -> str:
    """A token that a task of this account and Region waits for, as long as its execution goes on."""
    token = f"AQ{uuid.uuid4().hex}{uuid.uuid4().hex}"
    _waiting[token] = Waiting((get_account_id(), get_region()), machine, lifeline)
    return token


def machine_of(token: str) -> str:
    """The ARN of the state machine that has issued a token; empty: none has."""
    return _waiting[token].machine if token in _waiting else ""


def close(token: str) -> None:
    """Nobody waits for it any more."""
    _waiting[token].is_closed = True


def wait(token: str, timeout: float | None, heartbeat: float | None) -> Any:
    """The output that somebody sent; raises what was sent as failure, States.Timeout, or States.HeartbeatTimeout."""
    task = _waiting[token]
    started = task.beat = time.monotonic()
    while not task.answered.wait(CHECK_SECONDS):
        task.lifeline.check()
        now = time.monotonic()
        if heartbeat is not None and now - task.beat > heartbeat * Scales.timeouts:
            raise stepfunctions._ExecutionError("States.HeartbeatTimeout", "")
        if timeout is not None and now - started > timeout * Scales.timeouts:
            raise stepfunctions._ExecutionError("States.Timeout", "")
    if task.error is not None:
        raise stepfunctions._ExecutionError(*task.error)
    return task.output


def _found(data: dict[str, Any]) -> Waiting | Any:
    token = data.get("taskToken") or ""
    if not _TOKEN.match(token):
        return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
    task = _waiting.get(token)
    if task is None or task.scope != (get_account_id(), get_region()):
        return error_response_json("TaskDoesNotExist", "Task does not exist", 400)
    if task.is_closed or task.lifeline.is_over or task.answered.is_set():
        message = "Task Timed Out: 'Provided task does not exist anymore'"
        return error_response_json("TaskTimedOut", message, 400)
    return task


def _success(data: dict[str, Any]) -> Any:
    task = _found(data)
    if not isinstance(task, Waiting):
        return task
    try:
        task.output = json.loads(data.get("output", ""))
    except ValueError:
        return error_response_json("InvalidOutput", "Invalid Output: 'The output is not valid JSON'", 400)
    task.answered.set()
    return json_response({})


def _failure(data: dict[str, Any]) -> Any:
    task = _found(data)
    if not isinstance(task, Waiting):
        return task
    task.error = (data.get("error") or "States.TaskFailed", data.get("cause") or "")
    task.answered.set()
    return json_response({})


def _heartbeat(data: dict[str, Any]) -> Any:
    task = _found(data)
    if not isinstance(task, Waiting):
        return task
    task.beat = time.monotonic()
    return json_response({})
