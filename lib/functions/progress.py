"""What is told of an execution that has begun, or has succeeded: the sentence that it has made itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lib.functions import executions, notify

BEGUN = "RUNNING"
STATUSES = frozenset({BEGUN, "SUCCEEDED"})


def tell(event: Mapping[str, Any]) -> dict[str, bool]:
    """The event of `report_execution` -> `told`: an execution whose output has no `told` has nothing to say.

    `told` in the output is `{"subject", "message"}`, as `transition` makes it.
    """
    detail = event["event"]["detail"]
    arn, name = detail["executionArn"], executions.name(detail["stateMachineArn"])
    if detail["status"] == BEGUN:
        said = {"subject": f"{name} has begun", "message": f"The execution {detail['name']} of {name} has begun."}
    else:
        said = _told(executions.steps(arn).describe_execution(executionArn=arn).get("output"))
    if said:
        lines = [said["message"], "", f"Execution: {arn}"]
        notify.publish(event["topic_arn"], said["subject"], lines)
    return {"told": bool(said)}


def _told(output: str | None) -> dict[str, str]:
    """The sentence of an output; empty where it has none."""
    found = json.loads(output or "null")
    told = found.get("told") if isinstance(found, dict) else None
    return told if isinstance(told, dict) and {"subject", "message"} <= told.keys() else {}
