"""Who acts, and what has been done: the lease of a recovery, the record of a failover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.functions import clock, execution_input, executions, lease
from lib.functions.record_table import FAILED_OVER, FENCE, LEASE, RecordTable


def take_lease(event: Mapping[str, Any]) -> dict[str, Any]:
    """Let one execution act: `outcome` is TAKEN, HELD (by `holder`) or FAILED_OVER (by `holder`)."""
    table, execution = RecordTable(event["records"]), event["execution"]
    force = execution_input.read(event.get("input", {})).force
    holder = lease.take(table, LEASE, execution)
    if holder != execution:
        return lease.told("HELD", holder, f"{executions.name(holder)} is recovering the environment")
    # Asked only now: the one before writes its record first and then gives the lease back.
    failover = table.get(FAILED_OVER)
    if failover and not force:
        table.give_back(LEASE, execution)
        words = (
            f"the environment runs as {failover['environment']} since {failover['at']}; "
            'HINT: Clear the record with ./build.sh rearm, or start an execution with {"force": "YES"}.'
        )
        return lease.told("FAILED_OVER", failover["execution"], words)
    return lease.told("TAKEN", execution, "this execution acts, no other one does")


def record_failover(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write that the secondary has taken over, but for a drill, and give the lease back: `recorded`."""
    table, execution = RecordTable(event["records"]), event["execution"]
    if not event["drill"]:
        secondary = event["environment"]
        written = {
            "environment": f"{secondary['name']}.{secondary['region']}",
            "backup_id": event["backup_id"],
            "execution": execution,
            "at": clock.text(clock.now()),
        }
        table.put(FAILED_OVER, written)
    lease.give_back(table, LEASE, execution)
    return {"recorded": not event["drill"]}


def release(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give the lease back: `released`, False where it was not this execution's."""
    return {"released": RecordTable(event["records"]).give_back(LEASE, event["execution"])}


def rearm(event: Mapping[str, Any]) -> dict[str, Any]:
    """Forget a failover, so that the next one may happen: `rearmed`, False where there was none."""
    table = RecordTable(event["records"])
    table.delete(FENCE)
    return {"rearmed": table.delete(FAILED_OVER)}


OPERATIONS = {operation.__name__: operation for operation in (take_lease, record_failover, release, rearm)}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"op", "records", "execution", ...}` -> what the operation `op` says that it returns."""
    return OPERATIONS[event["op"]](event)
