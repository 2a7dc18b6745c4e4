"""Retry and Catch of a Task, Parallel or Map, and what its result becomes.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from drill.aws.simulator.workflows.frame import Frame
from drill.aws.simulator.workflows.lifeline import current

INTERVAL, BACKOFF, ATTEMPTS = 1, 2.0, 3


def attempted(frame: Frame, state: dict[str, Any], attempt: Callable[[], Any]) -> tuple[Any, str | None]:
    """The state's output and the next state, after as many attempts as its Retry allows."""
    retries: Counter[int] = Counter()
    while True:
        frame.context["State"]["RetryCount"] = sum(retries.values())
        try:
            return finished(frame, state, attempt())
        except stepfunctions._ExecutionError as error:
            number = _matching(state.get("Retry", []), error.error)
            rule = None if number is None else state["Retry"][number]
            if rule is None or number is None or retries[number] >= rule.get("MaxAttempts", ATTEMPTS):
                return _caught(frame, state, error)
            pause = delay(rule, retries[number])
            retries[number] += 1
            frame.children.clear()
            current.get().pause(pause)


def delay(rule: dict[str, Any], retried: int) -> float:
    """Seconds before the next attempt: growing by BackoffRate, up to MaxDelaySeconds, spread by JitterStrategy FULL."""
    seconds = float(rule.get("IntervalSeconds", INTERVAL) * rule.get("BackoffRate", BACKOFF) ** retried)
    seconds = min(seconds, rule.get("MaxDelaySeconds", seconds))
    # AWS spreads them at random; nothing is secret about it.
    return random.uniform(0, seconds) if rule.get("JitterStrategy") == "FULL" else seconds


def _matching(rules: list[dict[str, Any]], error: str) -> int | None:
    found = (n for n, rule in enumerate(rules) if stepfunctions._error_matches(rule["ErrorEquals"], error))
    return next(found, None)


def _caught(frame: Frame, state: dict[str, Any], error: Any) -> tuple[Any, str | None]:
    number = _matching(state.get("Catch", []), error.error)
    if number is None:
        raise error
    rule, said = state["Catch"][number], {"Error": error.error, "Cause": error.cause}
    language = stepfunctions._state_query_language(state, frame.context)
    output = stepfunctions._apply_catcher(rule, frame.data, frame.context, language, said)
    assign(frame, rule, said)
    frame.context.pop("Task", None)
    return output, rule["Next"]


def finished(frame: Frame, state: dict[str, Any], result: Any) -> tuple[Any, str | None]:
    """Make the output of a result by ResultSelector, ResultPath and OutputPath, or by Output."""
    context, language = frame.context, stepfunctions._state_query_language(state, frame.context)
    following = None if state.get("End") else state["Next"]
    if language == "JSONata":
        output = stepfunctions._apply_jsonata_output(state, frame.data, context, result=result, default=result)
        stepfunctions._apply_state_assign(state, frame.data, context, result=result)
    else:
        selector = state.get("ResultSelector")
        selected = stepfunctions._resolve_params_obj(selector, result, context) if selector else result
        output = stepfunctions._apply_result_path(state, frame.data, selected)
        output = stepfunctions._apply_output_path(state, output, context)
        assign(frame, state, result)
    context.pop("Task", None)
    return output, following


def assign(frame: Frame, holder: dict[str, Any], data: Any) -> None:
    """Set variables from the JSONPath Assign of a state or rule."""
    if "Assign" in holder and stepfunctions._state_query_language(holder, frame.context) != "JSONata":
        frame.variables.update(stepfunctions._resolve_params_obj(holder["Assign"], data, frame.context))
