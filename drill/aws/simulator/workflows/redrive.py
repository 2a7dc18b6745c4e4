"""RedriveExecution, by AWS's rules.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html: it continues from the state that did
not succeed, with its input and the definition of the start; branches and items that succeeded are kept; retries and the
machine's time-out count anew; only within 14 days; not what SUCCEEDED or runs.
"""

from __future__ import annotations

import contextvars
import json
import threading
from datetime import timedelta
from typing import Any

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions

from drill.aws.simulator.state import door
from drill.aws.simulator.workflows import executions, redrivable

FIELDS = ("error", "cause", "output")


def mend() -> None:
    """Add the call that ministack does not know."""
    handle = stepfunctions.handle_request

    async def handle_redrive(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return stepfunctions._finalize_response(redrive(json.loads(body)))
        return await handle(method, path, headers, body, query)

    stepfunctions.handle_request = handle_redrive


def redrive(data: dict[str, Any]) -> Any:
    """Answer the call."""
    arn = data.get("executionArn", "")
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        return error_response_json("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400)
    refused = redrivable.refusal(execution)
    if refused:
        return error_response_json("ExecutionNotRedrivable", refused, 400)
    count, moment = execution.get("redriveCount", 0) + 1, now_iso()
    run = executions.RUNS[arn]
    execution.update(status="RUNNING", stopDate=None, redriveCount=count, redriveDate=moment)
    for name in FIELDS:
        execution[name] = None
    run.frame.context["Execution"].update(RedriveCount=count, RedriveTime=moment)
    run.frame.note("ExecutionRedriven", executionRedrivenEventDetails={"redriveCount": count})
    executions.emit(execution)
    threading.Thread(target=contextvars.copy_context().run, args=(executions.go_on, arn), daemon=True).start()
    return json_response({"redriveDate": moment})


@door("workflows/age")
def age(execution: str, days: float) -> None:
    """Let an execution have ended so many days earlier."""
    for (_, _, arn), found in list(stepfunctions._executions.all_items()):
        if arn == execution:
            ended = redrivable.moment(found["stopDate"]) - timedelta(days=days)
            found["stopDate"] = ended.isoformat().replace("+00:00", "Z")
