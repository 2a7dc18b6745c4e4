"""A stop and a start, before and after: who acts, what is proved before a deletion, what is recorded of it.

Permissions: dynamodb:GetItem, PutItem and DeleteItem on the table of records, and kms:Decrypt and DescribeKey for its
key; states:DescribeExecution for take_lease and record_stop; airflow:GetEnvironment for look_back, require_whole,
forget_stop and verify; for the note what `dag_note` reads and writes; for verify those of `stop_proof`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lib.functions import clock, executions, mwaa
from lib.functions.dag_note import NoteBook, require_unfinished
from lib.functions.errors import NotRestored, StillBusy
from lib.functions.lease import Lease
from lib.functions.log import logger
from lib.functions.mwaa import Place
from lib.functions.ops import chosen
from lib.functions.record_table import RecordTable, stopped, transition
from lib.functions.stop_proof import verify

Event = Mapping[str, Any]

UNBORN = frozenset({"CREATING", "CREATE_FAILED", "PENDING"})
"""States of an environment that has never been available."""

RESTORED = "restored_of"
"""In the record of a stop: when the environment was created that a start has restored."""

_log = logger(__name__)


def take_lease(event: Event) -> dict[str, Any]:
    """Let one execution change an environment: `outcome` is TAKEN, or HELD by `holder`, which still runs."""
    lease = _lease(event)
    holder = lease.take()
    if holder != lease.execution:
        name = event["environment"]["name"]
        return lease.told("HELD", holder, f"{executions.name(holder)} is stopping or starting {name}")
    return lease.told("TAKEN", holder, "this execution acts, no other one does")


def hold_lease(event: Event) -> dict[str, Any]:
    """Go on after a redrive, as TAKEN; raises LeaseLost where another execution has acted since."""
    return _lease(event).held()


def release(event: Event) -> dict[str, Any]:
    """Give the lease back: `released`, False where it was not this execution's."""
    return {"released": _lease(event).give_back()}


def require_whole(event: Event) -> dict[str, Any]:
    """Raise NotRestored where a start of ours has created the environment and failed before it was restored.

    A backup of it would be newer than the one that a start still needs, and hold nothing.
    """
    place = Place.of(event["environment"])
    record = RecordTable(event["records"]).get(stopped(event["environment"]))
    found = mwaa.find(place)
    if found and _is_unfinished(found, record, event["owner_tag"]):
        hint = "HINT: Redrive that start, or start a new execution of it: it goes on with what is there."
        raise NotRestored(f"{place} was created by a start that has not restored it, it is not stopped. {hint}")
    return {"whole": True}


def record_stop(event: Event) -> dict[str, Any]:
    """Write that the environment is stopped on purpose, in every table that has to know: its health is nobody's then.

    The last step before the deletion: raises StillBusy where another execution acts by now, or where the DAGs have
    been made active again, as after a stop that failed and is redriven.
    """
    place, execution = event["environment"], event["execution"]
    holder = _lease(event).take()
    if holder != execution:
        raise StillBusy(f"{executions.name(holder)} acts on {place['name']} by now. HINT: Start a new execution.")
    require_unfinished(event)
    written = {
        "execution": execution,
        "at": clock.text(clock.now()),
        "backup_id": event["backup_id"],
        "rows": str(event["rows"]),
        "note": event["note_key"],
    }
    for table in _tables(event):
        table.put(stopped(place), written)
    _log.info("stop recorded", extra={"environment": Place.of(place).id, "backup": event["backup_id"]})
    return {"stopped": True, "at": written["at"]}


def record_restore(event: Event) -> dict[str, Any]:
    """Write that the environment has its backup again, for a start that goes on: `recorded`, False after no stop.

    Raises LeaseLost as `record_start` does.
    """
    _lease(event).hold()
    table, name = RecordTable(event["records"]), stopped(event["environment"])
    record, found = table.get(name), mwaa.find(Place.of(event["environment"]))
    if not record or found is None:
        return {"recorded": False}
    table.put(name, {**record, RESTORED: clock.text(found["CreatedAt"])})
    return {"recorded": True}


def record_start(event: Event) -> dict[str, Any]:
    """Forget that the environment is stopped, and end the note: `stopped`, and whether it `was` recorded so.

    Raises LeaseLost where another execution has acted since, as when an old one is redriven after the next stop.
    """
    was = _forgotten(event)
    NoteBook.of(event).end()
    return {"stopped": False, "was": was}


def forget_stop(event: Event) -> dict[str, Any]:
    """Forget a stop of what is there all the same; `paused`: its note is unfinished, so DAGs may still be paused.

    Raises LeaseLost as `record_start` does.
    """
    was = _forgotten(event)
    created_at = mwaa.created_at(mwaa.find(Place.of(event["environment"])) or {})
    paused = NoteBook.of({**event, "created_at": created_at}).unfinished() is not None
    return {"stopped": False, "was": was, "paused": paused}


def _forgotten(event: Event) -> bool:
    """Whether a stop was recorded, which is forgotten now; raises LeaseLost before that."""
    _lease(event).hold()
    was = [table.delete(stopped(event["environment"])) for table in _tables(event)]  # in every table
    return any(was)


def finish(event: Event) -> dict[str, Any]:
    """The environment is gone: end the note, and give the lease back; where another execution acts both are its own."""
    is_ours = _lease(event).claim()
    return {"note": is_ours and NoteBook.of(event).end(), **release(event)}


def look_back(event: Event) -> dict[str, Any]:
    """What a start finds: `stopped`, `stopped_at`, `backup_id`, `rows` (null where nothing is recorded), `status`.

    A `backup_id` that a person has asked for counts instead of that of the stop. `in_flight` is what becomes of runs
    that were unfinished in it: those that the stop interrupted are resumed; after any other backup they went on.

    `outcome`: CREATE, the environment is gone; GO_ON, a start of ours (`owner_tag`) has begun to create it and has not
    restored it; FINISH, one has restored it since the stop; LEAVING, it is being deleted; THERE, it is there otherwise:
    nothing is to be restored into it.
    """
    place = Place.of(event["environment"])
    record = RecordTable(event["records"]).get(stopped(event["environment"]))
    found = mwaa.find(place)
    backup_id = event.get("backup_id") or record.get("backup_id")
    return {
        "stopped": bool(record),
        "stopped_at": record.get("at"),
        "backup_id": backup_id,
        "in_flight": "resume" if backup_id and backup_id == record.get("backup_id") else "drop",
        "rows": int(record["rows"]) if record.get("rows") else None,
        "status": mwaa.status_of(found),
        "outcome": _outcome(found, record, event["owner_tag"]),
    }


def _outcome(found: Mapping[str, Any] | None, record: Mapping[str, str], owner_tag: Mapping[str, str]) -> str:
    if found is None or found["Status"] in mwaa.GONE:
        return "CREATE"
    if found["Status"] == "DELETING":
        return "LEAVING"
    if _is_restored(found, record):
        return "FINISH"
    return "GO_ON" if _is_unfinished(found, record, owner_tag) else "THERE"


def _is_restored(found: Mapping[str, Any], record: Mapping[str, str]) -> bool:
    created = found.get("CreatedAt")
    return created is not None and record.get(RESTORED) == clock.text(created)


def _is_unfinished(found: Mapping[str, Any], record: Mapping[str, str], owner_tag: Mapping[str, str]) -> bool:
    """Whether a start of ours has created it, and has not restored it: one that has come to its end takes its tag off.

    One that a stop has not deleted is older than its record, and has a tag that an earlier start may have left.
    """
    is_ours = mwaa.has_tags(found, owner_tag) and (not record or _is_created_since(found, record["at"]))
    return is_ours and not _is_restored(found, record)


def _is_created_since(found: Mapping[str, Any], moment: str) -> bool:
    created = found.get("CreatedAt")
    return found["Status"] in UNBORN or (created is not None and created > clock.moment(moment))


def _lease(event: Event) -> Lease:
    return Lease.of(event, name=transition(event["environment"]))


def _tables(event: Event) -> Iterator[RecordTable]:
    """The tables of others first: what they do not know must not happen."""
    for records in (*event["also_records"], event["records"]):
        yield RecordTable(records)


OPERATIONS: Mapping[str, Callable[[Event], dict[str, Any]]] = {
    operation.__name__: operation
    for operation in (
        take_lease,
        hold_lease,
        release,
        require_whole,
        verify,
        record_stop,
        record_restore,
        record_start,
        forget_stop,
        finish,
        look_back,
    )
}


def handler(event: Event, _: object) -> dict[str, Any]:
    """`{"op", "environment", "records", "execution", ...}` -> what the operation `op` says that it returns."""
    return chosen(OPERATIONS, event)(event)
