"""Who acts, and what has been done: the lease of a recovery, the record of a failover, the record of a stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.functions import clock, execution_input, executions
from lib.functions.log import logger
from lib.functions.record_table import BACKUPS, FAILED_OVER, FENCE, LEASE, RecordTable, stopped

_log = logger(__name__)

_TAKE_OVERS = 3
"""How many ended holders in a row are replaced; more would mean that others are faster."""


def take_lease(event: Mapping[str, Any]) -> dict[str, Any]:
    """Let one execution act: `outcome` is TAKEN, HELD (by `holder`) or FAILED_OVER (by `holder`)."""
    table, execution = RecordTable(event["records"]), event["execution"]
    force = execution_input.read(event.get("input", {})).force
    holder = _take(table, execution)
    if holder != execution:
        return _outcome("HELD", holder, f"{executions.name(holder)} is recovering the environment")
    # Asked only now: the one before writes its record first and then gives the lease back.
    failover = table.get(FAILED_OVER)
    if failover and not force:
        table.give_back(LEASE, execution)
        words = (
            f"the environment runs as {failover['environment']} since {failover['at']}; "
            'HINT: Clear the record with ./build.sh rearm, or start an execution with {"force": "YES"}.'
        )
        return _outcome("FAILED_OVER", failover["execution"], words)
    return _outcome("TAKEN", execution, "this execution acts, no other one does")


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
    if not table.give_back(LEASE, execution):
        _log.warning("the lease was not this execution's any more", extra={"execution": execution})
    return {"recorded": not event["drill"]}


def release(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give the lease back: `released`, False where it was not this execution's."""
    return {"released": RecordTable(event["records"]).give_back(LEASE, event["execution"])}


def rearm(event: Mapping[str, Any]) -> dict[str, Any]:
    """Forget a failover, so that the next one may happen: `rearmed`, False where there was none.

    Backups of the primary have time to arrive again.
    """
    table = RecordTable(event["records"])
    table.delete(FENCE)
    table.delete(BACKUPS)
    return {"rearmed": table.delete(FAILED_OVER)}


def record_stop(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write that an environment is stopped on purpose: its health is nobody's concern then."""
    written = {"execution": event["execution"], "at": clock.text(clock.now())}
    RecordTable(event["records"]).put(stopped(event["environment"]), written)
    return {"stopped": True}


def record_start(event: Mapping[str, Any]) -> dict[str, Any]:
    """Forget that an environment is stopped."""
    RecordTable(event["records"]).delete(stopped(event["environment"]))
    return {"stopped": False}


OPERATIONS = {
    operation.__name__: operation
    for operation in (take_lease, record_failover, release, rearm, record_stop, record_start)
}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"op", "records", "execution", ...}` -> what the operation `op` says that it returns."""
    return OPERATIONS[event["op"]](event)


def _take(table: RecordTable, execution: str) -> str:
    """The execution that holds the lease in the end."""
    wanted = {"execution": execution, "at": clock.text(clock.now())}
    holder = ""
    for _ in range(_TAKE_OVERS):
        holder = table.claim(LEASE, wanted, former=holder)["execution"]
        if holder == execution or executions.is_running(holder):
            return holder
        _log.info("the holder of the lease has ended", extra={"holder": holder})
    return holder


def _outcome(outcome: str, holder: str, reason: str) -> dict[str, Any]:
    return {"outcome": outcome, "holder": holder, "reason": reason}
