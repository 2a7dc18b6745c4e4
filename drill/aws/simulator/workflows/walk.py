"""Walk from state to state until a level ends, fails, or is over.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (256 KiB between two states).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from drill.aws.simulator.workflows import paths, retry, task
from drill.aws.simulator.workflows.branches import run_map, run_parallel
from drill.aws.simulator.workflows.frame import Frame
from drill.aws.simulator.workflows.lifeline import current

LARGEST = 262_144  # bytes that one state may hand to the next
Outcome = tuple[Any, str | None]  # the output, and the next state


def walk(frame: Frame) -> Any:
    """The output of a level; raises ministack's _ExecutionError when it fails, OverError when nobody waits for it."""
    states = frame.definition["States"]
    if frame.position == "":
        frame.position = frame.definition["StartAt"]
    while frame.position is not None:
        current.get().check()
        name, state = frame.position, states[frame.position]
        frame.context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        if not frame.has_entered:
            entered = {"name": name, "input": json.dumps(frame.data)}
            frame.note(f"{state['Type']}StateEntered", stateEnteredEventDetails=entered)
            frame.has_entered = True
        paths.variables.set(frame.variables)
        output, following = RUNNERS[state["Type"]](frame, state)
        current.get().check()
        text = json.dumps(output)
        if len(text.encode()) > LARGEST:
            words = f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes"
            raise stepfunctions._ExecutionError("States.DataLimitExceeded", words)
        left = {"name": name, "output": text}
        frame.note(f"{state['Type']}StateExited", stateExitedEventDetails=left)
        frame.data, frame.position, frame.has_entered = output, following, False
        frame.children.clear()
    return frame.data


def _succeed(frame: Frame, state: dict[str, Any]) -> Outcome:
    if stepfunctions._state_query_language(state, frame.context) == "JSONata":
        return stepfunctions._apply_jsonata_output(state, frame.data, frame.context, default=frame.data), None
    data = stepfunctions._apply_input_path(state, frame.data, frame.context)
    return stepfunctions._apply_output_path(state, data, frame.context), None


def _fail(frame: Frame, state: dict[str, Any]) -> Outcome:
    raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, frame.data, frame.context))


def _pass(frame: Frame, state: dict[str, Any]) -> Outcome:
    outcome: Outcome = stepfunctions._execute_pass(state, frame.data, frame.context)
    if "Assign" in state and stepfunctions._state_query_language(state, frame.context) != "JSONata":
        data = stepfunctions._apply_input_path(state, frame.data, frame.context)
        data = stepfunctions._apply_parameters(state, data, frame.context)
        retry.assign(frame, state, state.get("Result", data))
    return outcome


def _wait(frame: Frame, state: dict[str, Any]) -> Outcome:
    outcome: Outcome = stepfunctions._execute_wait(state, frame.data, frame.context)
    retry.assign(frame, state, frame.data)
    return outcome


def _choose(frame: Frame, state: dict[str, Any]) -> Outcome:
    if stepfunctions._state_query_language(state, frame.context) == "JSONata":
        outcome: Outcome = stepfunctions._execute_choice(state, frame.data, frame.context)
        return outcome
    data = stepfunctions._apply_input_path(state, frame.data, frame.context)
    for rule in state["Choices"]:
        if stepfunctions._evaluate_rule(rule, data, frame.context):
            retry.assign(frame, rule, data)
            return stepfunctions._apply_output_path(state, data, frame.context), rule["Next"]
    if "Default" not in state:
        raise stepfunctions._ExecutionError("States.NoChoiceMatched", "No choice rule matched and there is no Default")
    retry.assign(frame, state, data)
    return stepfunctions._apply_output_path(state, data, frame.context), state["Default"]


def _parallel(frame: Frame, state: dict[str, Any]) -> Outcome:
    return retry.attempted(frame, state, lambda: run_parallel(frame, state, walk))


def _map(frame: Frame, state: dict[str, Any]) -> Outcome:
    return retry.attempted(frame, state, lambda: run_map(frame, state, walk))


def _task(frame: Frame, state: dict[str, Any]) -> Outcome:
    return retry.attempted(frame, state, lambda: task.attempt(frame, state))


RUNNERS: dict[str, Callable[[Frame, dict[str, Any]], Outcome]] = {
    "Pass": _pass,
    "Wait": _wait,
    "Choice": _choose,
    "Succeed": _succeed,
    "Fail": _fail,
    "Task": _task,
    "Parallel": _parallel,
    "Map": _map,
}
