"""The fence of a primary that comes back: whether it has to stay quiet, and the alarm when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from lib.functions import clock, notify
from lib.functions.record_table import FAILED_OVER, FENCE, RecordTable

ALARM_EVERY = timedelta(hours=1)


def look(event: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the environment runs in the secondary Region: `failed_over`, `reason`.

    A table that does not answer is an error: DAGs that were paused stay so, others are not paused on suspicion.
    """
    failover = RecordTable(event["records"]).get(FAILED_OVER)
    if not failover:
        return {"failed_over": False, "reason": "no failover is recorded: the primary may run"}
    words = f"the environment runs as {failover['environment']} since {failover['at']}"
    return {"failed_over": True, "reason": f"{words}, recovered by {failover['execution']}"}


def alarm(event: Mapping[str, Any]) -> dict[str, Any]:
    """Tell at most once an hour that the primary runs beside the secondary: `told`."""
    table = RecordTable(event["records"])
    if not clock.is_past(table.get(FENCE).get("at", ""), after=ALARM_EVERY):
        return {"told": False}
    notify.publish(event["topic_arn"], f"{event['primary']['name']} runs in both Regions", _lines(event))
    table.put(FENCE, {"at": clock.text(clock.now())})
    return {"told": True}


OPERATIONS = {"look": look, "alarm": alarm}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"op": "look", "records"}` -> `{"failed_over", "reason"}`;
    `{"op": "alarm", "records", "topic_arn", "primary", "reason"}` -> `{"told"}`.
    """
    return OPERATIONS[event["op"]](event)


def _lines(event: Mapping[str, Any]) -> list[str]:
    primary = event["primary"]
    return [
        f"The primary environment {primary['name']} in {primary['region']} runs, although {event['reason']}.",
        "",
        "Both may run the same DAGs, and a backup of one may overtake the other's.",
        "",
        "To keep the primary quiet: set FENCE_PRIMARY=YES and deploy again; its DAGs are paused from then on.",
        "To run in the primary again: pause the DAGs of the secondary, then ./build.sh rearm",
    ]
