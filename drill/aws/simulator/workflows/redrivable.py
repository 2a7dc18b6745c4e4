"""Which executions RedriveExecution takes.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html#redrive-eligibility
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

PERIOD = timedelta(days=14)
MOST_EVENTS = 24_999


def moment(said: str) -> datetime:
    """A time as ministack keeps it."""
    return datetime.fromisoformat(said.replace("Z", "+00:00"))


def refusal(execution: dict[str, Any]) -> str:
    """Why an execution cannot be redriven, empty when it can."""
    status = execution["status"]
    if status in ("SUCCEEDED", "RUNNING"):
        return f"Execution is {status} and cannot be redriven"
    if datetime.now(timezone.utc) - moment(execution["stopDate"]) > PERIOD:
        return f"Execution has exceeded the redrivable period of {PERIOD.days} days"
    if len(execution["events"]) >= MOST_EVENTS:
        return f"Execution history has more than the {MOST_EVENTS} events that can be redriven"
    return ""
