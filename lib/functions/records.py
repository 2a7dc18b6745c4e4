"""Who acts, and what has been done: the lease of a recovery, the record of a failover."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lib.functions import clock, execution_input, executions
from lib.functions.lease import Lease
from lib.functions.record_table import BACKUPS, FAILED_OVER, FENCE, RecordTable


def take_lease(event: Mapping[str, Any]) -> dict[str, Any]:
    """Let one execution act: `outcome` is TAKEN, HELD (by `holder`), FAILED_OVER (by `holder`), or UNFINISHED: what
    follows a `failover` of `holder` is left to this execution.
    """
    lease = Lease.of(event)
    asked = execution_input.read(event.get("input", {}))
    holder = lease.take()
    if holder != lease.execution:
        return lease.told("HELD", holder, f"{executions.name(holder)} is recovering the environment")
    # Asked only now: the one before writes its record first and then gives the lease back.
    failover = lease.table.get(FAILED_OVER)
    if not failover or asked.force:
        return lease.told("TAKEN", holder, "this execution acts, no other one does")
    runs = f"the environment runs as {failover['environment']} since {failover['at']}"
    if asked.activate_dags and "finished_at" not in failover:
        told = lease.told("UNFINISHED", failover["execution"], f"{runs}, and is not on its own yet")
        return {**told, "failover": _facts(failover)}
    lease.give_back()
    words = f'{runs}; HINT: Clear the record with ./build.sh rearm, or start an execution with {{"force": "YES"}}.'
    return lease.told("FAILED_OVER", failover["execution"], words)


def hold_lease(event: Mapping[str, Any]) -> dict[str, Any]:
    """Go on after a redrive, as TAKEN; raises LeaseLost where another execution has acted since."""
    return Lease.of(event).held()


def record_failover(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write that the secondary works; what is to be known when it is made its own. Raises LeaseLost."""
    lease = Lease.of(event)
    lease.hold()
    secondary = event["environment"]
    written = {
        "environment": f"{secondary['name']}.{secondary['region']}",
        "backup_id": event["backup_id"],
        "snapshot_time": event["snapshot_time"],
        "paused_at_creation_was": json.dumps(event["paused_at_creation_was"]),
        "execution": lease.execution,
        "at": clock.text(clock.now()),
    }
    lease.table.put(FAILED_OVER, written)
    return _facts(written)


def finish_failover(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write that the secondary is on its own, and give the lease back: `finished`; raises LeaseLost before that."""
    lease = Lease.of(event)
    failover = lease.table.get(FAILED_OVER)
    if failover and "finished_at" not in failover:
        lease.hold()
        lease.table.put(FAILED_OVER, {**failover, "finished_at": clock.text(clock.now())})
    lease.give_back()
    return {"finished": bool(failover)}


def release(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give the lease back: `released`, False where it was not this execution's."""
    return {"released": Lease.of(event).give_back()}


def rearm(event: Mapping[str, Any]) -> dict[str, Any]:
    """Forget a failover, so that the next one may happen: `rearmed`, False where there was none.

    Backups of the primary have time to arrive again.
    """
    table = RecordTable(event["records"])
    table.delete(FENCE)
    table.delete(BACKUPS)
    return {"rearmed": table.delete(FAILED_OVER)}


OPERATIONS = {
    operation.__name__: operation
    for operation in (take_lease, hold_lease, release, record_failover, finish_failover, rearm)
}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"op", "records", "execution", ...}` -> what the operation `op` says that it returns."""
    return OPERATIONS[event["op"]](event)


def _facts(failover: Mapping[str, str]) -> dict[str, Any]:
    """What the states after a failover need to know of it."""
    told = {name: failover[name] for name in ("backup_id", "snapshot_time")}
    return {**told, "paused_at_creation_was": json.loads(failover["paused_at_creation_was"])}
