"""Switch a schedule of EventBridge Scheduler on or off: `{"name", "group", "region", "state"}` -> `{"changed"}`.

Permissions: scheduler:GetSchedule, scheduler:UpdateSchedule, and iam:PassRole for the role of its target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.functions import clock, lease
from lib.functions.aws import client
from lib.functions.calls import calling
from lib.functions.log import logger

_log = logger(__name__)


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Set the state; a schedule that is not there is told, not raised."""
    lease.check(event)
    name, state = event["name"], event["state"]
    scheduler = client("scheduler", event["region"])
    with calling(f"set schedule '{name}' to {state}"):
        try:
            found = scheduler.get_schedule(Name=name, GroupName=event["group"])
        except scheduler.exceptions.ResourceNotFoundException:
            return {"changed": False, "why": f"there is no schedule '{name}' in group '{event['group']}'"}
        if found["State"] == state:
            return {"changed": False, "why": f"schedule '{name}' is {state}"}
        scheduler.update_schedule(**_all_of(found, _taken(scheduler)) | {"State": state})
    _log.info("schedule changed", extra={"schedule": name, "state": state})
    return {"changed": True, "why": f"schedule '{name}' was {found['State']}"}


def _all_of(found: Mapping[str, Any], taken: frozenset[str]) -> dict[str, Any]:
    """The whole schedule: UpdateSchedule sets what it is not sent to its default.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
    """
    kept = {name: value for name, value in found.items() if name in taken}
    # A start that has passed means nothing any more, and is refused when sent again.
    if kept.get("StartDate") and kept["StartDate"] <= clock.now():
        del kept["StartDate"]
    return kept


def _taken(scheduler: Any) -> frozenset[str]:
    """The names of all that UpdateSchedule takes, by the SDK that runs here."""
    return frozenset(scheduler.meta.service_model.operation_model("UpdateSchedule").input_shape.members)
