"""JSONPath by AWS's rules: a path that leads nowhere fails the execution, variables can be read, errors match strictly.

- A path that is not found: States.Runtime, which States.ALL does not catch
  (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
- `$name` reads a variable, also in JSONPath
  (https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html).
"""

from __future__ import annotations

import contextvars
import re
from typing import Any

from ministack.services import stepfunctions

variables: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("variables")
UNCATCHABLE = ("States.Runtime", "States.DataLimitExceeded")
_VARIABLE = re.compile(r"^\$(?P<name>[A-Za-z_]\w*)(?P<rest>.*)$")


class PathNotFoundError(stepfunctions._ExecutionError):  # type: ignore[misc]
    """A path leads nowhere."""

    def __init__(self, path: str) -> None:
        super().__init__("States.Runtime", f"The JSONPath '{path}' could not be found in the input")


def mend() -> None:
    """Replace how paths are resolved, how rules of a Choice read them, and how errors match."""
    evaluate = stepfunctions._evaluate_rule

    def evaluate_strictly(rule: dict[str, Any], data: Any, context: Any = None) -> bool:
        if "IsPresent" not in rule:
            return bool(evaluate(rule, data, context))
        try:
            stepfunctions._resolve_path_or_ctx(rule["Variable"], data, context)
        except PathNotFoundError:
            return rule["IsPresent"] is False
        return rule["IsPresent"] is True

    stepfunctions._evaluate_rule = evaluate_strictly
    stepfunctions._resolve_path = resolve
    stepfunctions._error_matches = matches


def resolve(path: str, data: Any) -> Any:
    """What a path leads to; raises PathNotFoundError."""
    if path == "$" or not path or not path.startswith("$"):
        return data
    read = _VARIABLE.match(path)
    if read:
        known = variables.get({})
        if read["name"] not in known:
            raise PathNotFoundError(path)
        return resolve("$" + read["rest"], known[read["name"]])
    tokens = stepfunctions._parse_jsonpath_tokens(path)
    if tokens is None:
        raise stepfunctions._ExecutionError("States.Runtime", f"this simulator cannot read the JSONPath '{path}'")
    values = [data]
    for kind, key in tokens:
        values = [found for value in values for found in _step(kind, key, value)]
    if any(kind == "wildcard" for kind, _ in tokens):
        return values
    if not values:
        raise PathNotFoundError(path)
    return values[0]


def _step(kind: str, key: Any, value: Any) -> list[Any]:
    if kind == "field":
        return [value[key]] if isinstance(value, dict) and key in value else []
    if kind == "index":
        return [value[key]] if isinstance(value, list) and key < len(value) else []
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def matches(expected: list[str], error: str) -> bool:
    """Whether a Retry or Catch is meant for an error."""
    if error in expected:
        return error != "States.Runtime"
    if error in UNCATCHABLE:
        return False
    return "States.ALL" in expected or ("States.TaskFailed" in expected and error != "States.Timeout")
