"""A definition that AWS would refuse is refused when the state machine is created or updated.

AWS: CreateStateMachine and UpdateStateMachine answer InvalidDefinition
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html#API_CreateStateMachine_Errors).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

TYPES = ("Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
WITHOUT_NEXT = ("Choice", "Succeed", "Fail")
RETRYING = ("Task", "Parallel", "Map")
LONGEST_NAME = 80
LONGEST_DEFINITION = 1_048_576  # characters


def mend() -> None:
    """Check before both calls."""
    for name in ("_create_state_machine", "_update_state_machine"):
        setattr(stepfunctions, name, _checked(getattr(stepfunctions, name)))


def _checked(call: Any) -> Any:
    def checked(data: dict[str, Any]) -> Any:
        if "definition" in data:
            found = problems(data["definition"])
            if found:
                words = f"Invalid State Machine Definition: '{', '.join(found)}'"
                return error_response_json("InvalidDefinition", words, 400)
        return call(data)

    return checked


def problems(definition: str) -> list[str]:
    """What is wrong with a definition, each with its place."""
    if len(definition) > LONGEST_DEFINITION:
        return [f"DEFINITION_TOO_LONG: more than {LONGEST_DEFINITION} characters"]
    try:
        machine = json.loads(definition)
    except ValueError as error:
        return [f"INVALID_JSON_DESCRIPTION: {error}"]
    return list(_of_machine(machine, ""))


def _of_machine(machine: dict[str, Any], place: str) -> Iterator[str]:
    states = machine.get("States") or {}
    if machine.get("StartAt") not in states:
        yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {machine.get('StartAt')} at {place}/StartAt"
    for name, state in states.items():
        where = f"{place}/States/{name}"
        if len(name) > LONGEST_NAME:
            yield f"SCHEMA_VALIDATION_FAILED: a name has at most {LONGEST_NAME} characters at {where}"
        yield from _of_state(state, where)
        yield from (
            f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {where}"
            for target in _targets(state)
            if target not in states
        )
        for number, branch in enumerate(state.get("Branches", [])):
            yield from _of_machine(branch, f"{where}/Branches[{number}]")
        for key in ("ItemProcessor", "Iterator"):
            if key in state:
                yield from _of_machine(state[key], f"{where}/{key}")
    yield from (
        f"MISSING_TRANSITION_TARGET: State '{name}' is not reachable at {place}/States/{name}"
        for name in sorted(set(states) - _reached(machine))
    )


def _of_state(state: dict[str, Any], where: str) -> Iterator[str]:
    kind = state.get("Type")
    if kind not in TYPES:
        yield f"SCHEMA_VALIDATION_FAILED: Type must be one of {', '.join(TYPES)} at {where}/Type"
    if kind not in WITHOUT_NEXT and ("Next" in state) == bool(state.get("End")):
        yield f"SCHEMA_VALIDATION_FAILED: exactly one of 'Next' and 'End' is required at {where}"
    if kind == "Choice" and not state.get("Choices"):
        yield f"SCHEMA_VALIDATION_FAILED: Choices is required at {where}"
    if kind == "Task" and not state.get("Resource"):
        yield f"SCHEMA_VALIDATION_FAILED: Resource is required at {where}"
    if kind not in RETRYING and ("Retry" in state or "Catch" in state):
        yield f"SCHEMA_VALIDATION_FAILED: Field is not supported: Retry, Catch at {where}"
    seconds, beats = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if isinstance(seconds, int) and isinstance(beats, int) and beats >= seconds:
        yield f"SCHEMA_VALIDATION_FAILED: HeartbeatSeconds must be smaller than TimeoutSeconds at {where}"
    for key in ("Retry", "Catch"):
        rules = state.get(key, [])
        for rule in rules:
            if "States.ALL" in rule.get("ErrorEquals", []) and (rule is not rules[-1] or len(rule["ErrorEquals"]) > 1):
                yield f"SCHEMA_VALIDATION_FAILED: States.ALL must appear alone and in the last {key} at {where}/{key}"


def _targets(state: dict[str, Any]) -> list[str]:
    rules = [*state.get("Choices", []), *state.get("Catch", [])]
    return [state[key] for key in ("Next", "Default") if key in state] + [rule.get("Next", "") for rule in rules]


def _reached(machine: dict[str, Any]) -> set[str]:
    states, reached, new = machine.get("States") or {}, set(), [machine.get("StartAt", "")]
    while new:
        name = new.pop()
        if name in states and name not in reached:
            reached.add(name)
            new += _targets(states[name])
    return reached
