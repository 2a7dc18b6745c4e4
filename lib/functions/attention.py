"""What people have to look after although the primary is healthy: told at once, then once an hour, and when it is over.

Permissions: dynamodb:GetItem and dynamodb:PutItem on the records; sns:Publish, and the key of the topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.functions import clock, failures, notify, record_table
from lib.functions.notify import TOLD_EVERY
from lib.functions.record_table import RecordTable


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"records", "topic_arn", "execution", "concerns"}` -> `{"told"}`: the names of those that were told.

    `concerns` are `{"what", "found", "advice"}` by name. `found` is what a step returned, with what is wrong in
    `trouble`, or the error that was caught.
    """
    table = RecordTable(event["records"])
    concerns: Mapping[str, Mapping[str, Any]] = event["concerns"]
    return {"told": [name for name, concern in concerns.items() if _look_after(table, name, concern, event)]}


def _look_after(table: RecordTable, name: str, concern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Tell what has become of one of them; False where there is nothing new to say."""
    record = record_table.concern(name)
    last, now, what = table.get(record), clock.text(clock.now()), concern["what"]
    if trouble := _trouble(concern["found"]):
        # Also where it was well in between: what comes and goes is told once an hour, too.
        if not clock.is_past(last.get("notified_at", ""), after=TOLD_EVERY):
            return False
        since = last.get("since", now)
        lines = _lines(trouble, since, concern["advice"], event["execution"])
        notify.publish(event["topic_arn"], f"Look after {what}", lines)
        table.put(record, {"since": since, "notified_at": now})
        return True
    if "since" not in last:
        return False
    over = f"What was told of {what} since {last['since']} is over."
    notify.publish(event["topic_arn"], f"All is well again with {what}", [over])
    table.put(record, {"notified_at": last["notified_at"]})
    return True


def _trouble(found: Mapping[str, Any]) -> str:
    if "Error" in found:
        return failures.reason(str(found["Error"]), str(found.get("Cause", "")))
    return str(found.get("trouble", ""))


def _lines(trouble: str, since: str, advice: list[str], execution: str) -> list[str]:
    return [
        f"Since {since}: {trouble}",
        "",
        "The primary is healthy, and is watched as before. You hear of this once an hour, and when it is over.",
        "",
        *advice,
        "",
        f"Execution: {execution}",
    ]
