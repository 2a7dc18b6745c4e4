"""The DAGs of an environment that is stopped: note which are active, bring them to rest, make them active again.

Deployed twice, outside and inside the VPC of the environment. Every op takes `environment`, its `created_at`, `version`
of Airflow, and `bucket` and `bucket_region` of the note (`dag_note`). Permissions: those of `dag`, and s3:GetObject,
s3:PutObject on `stops/*`, s3:ListBucket, kms:Decrypt and kms:GenerateDataKey for the bucket's key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from lib.functions import clock, lease
from lib.functions.airflow_client import Airflow, Changed, DagRun, airflow_of
from lib.functions.dag_note import Note, NoteBook, require_unfinished
from lib.functions.errors import AirflowUnavailable, DeadlinePassed, Misconfigured, NotReady, StillBusy
from lib.functions.listed import listed
from lib.functions.log import logger
from lib.functions.ops import chosen
from lib.functions.waiting import begun, is_later_redrive

CHANGE_SECONDS = 180
"""For so long DAGs are paused or made active in one call, of the five minutes that a function has."""
MANY = 50
"""More DAGs than these are paused all at once, where none is to stay active."""
TO_PAUSE = timedelta(minutes=20)
"""How long it may take to pause thousands, beside the wait for what runs."""
NAMED = 5
"""How many DAGs or runs are named in a result."""

_log = logger(__name__)


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Do the `op` of the event; raises what `Airflow` says, and NotReady and Misconfigured of S3."""
    lease.check(event)
    airflow = airflow_of(event["environment"], event["version"])
    return chosen(OPERATIONS, event)(airflow, NoteBook.of(event), event)


def note(airflow: Airflow, book: NoteBook, event: Mapping[str, Any]) -> dict[str, Any]:
    """Note the active DAGs for `execution`, and those of a stop before whose DAGs are not active again yet.

    Returns the note's `key`, how many are `active`, whether an earlier note was `joined`, and when a wait begins.
    """
    before = book.unfinished()
    new = Note((), execution=event["execution"], noted_at=clock.text(clock.now()))
    noted = new.joined([*airflow.active_dags(), *(before.active if before else ())])
    book.write(noted)
    _log.info("active DAGs noted", extra={"active": len(noted.active), "joined": before is not None})
    return {"key": book.shelf.key, "active": len(noted.active), "joined": before is not None, **begun(event)}


def quieten(airflow: Airflow, book: NoteBook, event: Mapping[str, Any]) -> dict[str, Any]:
    """Pause all but `own_dags`, each once its runs have ended; `when_busy` is WAIT, SKIP or FORCE.

    `outcome`: QUIET, WAIT (ask again), BUSY (give up), AGAIN (begin the wait anew, after a redrive); `paused` by this
    call, `busy` names some DAGs, `runs` counts theirs. Raises DeadlinePassed where DAGs do not stay paused.
    """
    look = _look(airflow, book, event)
    changed = 0
    if not (event["when_busy"] == "SKIP" and look.busy):
        changed = _bring_to_rest(airflow, look, event)
        _undo_where_it_is_over(airflow, look, event)
        look = _look(airflow, book, event) if changed else look
    outcome = _outcome(look, event)
    if outcome == "QUIET":
        book.write(replace(look.note, standing=tuple(sorted(look.runs))))
    runs = sum(run.dag_id in look.busy for run in look.runs)
    _log.info("brought to rest", extra={"outcome": outcome, "paused": changed, "runs": runs})
    return {"outcome": outcome, "paused": changed, "busy": sorted(look.busy)[:NAMED], "runs": runs}


def still_quiet(airflow: Airflow, book: NoteBook, event: Mapping[str, Any]) -> dict[str, Any]:
    """Whether nothing has run since `snapshot_time` and nothing can: `quiet`; raises StillBusy."""
    noted = _unfinished(book)
    own, standing = set(event["own_dags"]), set(noted.standing)
    # First what is active: once nothing is, no run comes to be that the lists after it would lack.
    active = sorted(set(airflow.active_dags()) - own)
    unfinished, since = set(airflow.unfinished_runs()), set(airflow.runs_since(event["snapshot_time"]))
    # A run that stood still in the backup and has ended since went on behind its back.
    moved = (unfinished | since) - standing | standing - unfinished
    ran = sorted(f"{run.dag_id} {run.run_id}" for run in moved if run.dag_id not in own)
    told = [
        f"{len(names)} {what}: {listed(names)}"
        for what, names in (("DAGs are active", active), ("runs are not in the backup as they are now", ran))
        if names
    ]
    if told:
        raise StillBusy(f"{event['environment']['name']} is not quiet, it is not deleted: {'; '.join(told)}")
    return {"quiet": True}


def resume(airflow: Airflow, book: NoteBook, _: Mapping[str, Any]) -> dict[str, Any]:
    """Make the noted DAGs active again, then end the note: how many it `activated`, some that are `missing`.

    Without an unfinished `note` nothing is done. NotReady where there was no time for all: ask again.
    """
    noted = book.unfinished()
    if noted is None:
        return {"activated": 0, "missing": [], "note": False}
    paused = sorted(set(noted.active) - set(airflow.active_dags()))
    changed = airflow.set_each(paused, False, seconds=CHANGE_SECONDS)
    if changed.left:
        raise NotReady(f"{len(changed.done)} DAGs are active again, {len(changed.left)} are not yet")
    # All of them: a stop that was aborted may still be pausing, for as long as its function lives.
    if again := sorted(set(noted.active) - set(changed.missing) - set(airflow.active_dags())):
        raise AirflowUnavailable(f"{len(again)} DAGs were made active, and are not: {listed(again)}")
    book.end()
    _log.info("DAGs are active again", extra={"activated": len(changed.done), "missing": changed.missing})
    return {"activated": len(changed.done), "missing": list(changed.missing[:NAMED]), "note": True}


@dataclass(frozen=True)
class Look:
    """What was found in an environment, without our own DAGs."""

    note: Note
    active: frozenset[str]
    runs: frozenset[DagRun]
    """The unfinished ones."""
    busy: frozenset[str]
    """DAGs whose runs the stop waits for; other unfinished runs stand still, and are kept as they are."""


def _look(airflow: Airflow, book: NoteBook, event: Mapping[str, Any]) -> Look:
    own, noted = set(event["own_dags"]), _unfinished(book)
    active = frozenset(airflow.active_dags()) - own
    if active - set(noted.active):
        # Noted before it is paused: also what somebody has made active since.
        noted = noted.joined(active)
        book.write(noted)
    runs = frozenset(run for run in airflow.unfinished_runs() if run.dag_id not in own)
    busy = frozenset[str]() if event["when_busy"] == "FORCE" else _busy(airflow, runs, noted)
    return Look(noted, active, runs, busy)


def _busy(airflow: Airflow, runs: frozenset[DagRun], noted: Note) -> frozenset[str]:
    """DAGs with a run that goes on; one that a person has paused stands still, but for a task at work."""
    unfinished = {run.dag_id for run in runs}
    by_hand = unfinished - set(noted.active)
    working = airflow.working_dags() if by_hand else set()
    return frozenset(unfinished - by_hand | (by_hand if working is None else by_hand & working))


def _bring_to_rest(airflow: Airflow, look: Look, event: Mapping[str, Any]) -> int:
    """Pause what is idle, and let go on what got a run just before it was paused; return how many were paused."""
    halted = sorted(look.busy & set(look.note.active) - look.active)
    airflow.set_each(halted, False, seconds=CHANGE_SECONDS / 2)
    idle = sorted(look.active - look.busy)
    if len(idle) > MANY and not look.busy:
        own = sorted(set(event["own_dags"]) & set(airflow.pause_all()))
        airflow.set_each(own, False, seconds=CHANGE_SECONDS)
        return len(idle)
    changed: Changed = airflow.set_each(idle, True, seconds=CHANGE_SECONDS / 2)
    return len(changed.done)


def _undo_where_it_is_over(airflow: Airflow, look: Look, event: Mapping[str, Any]) -> None:
    """Take the pauses back and raise StillBusy, where others have made the DAGs active meanwhile and ended the note.

    The function of a stop that is aborted goes on; who makes its DAGs active does not see what it pauses after that.
    """
    try:
        require_unfinished(event)
    except StillBusy:
        airflow.set_each(sorted(look.active), False, seconds=CHANGE_SECONDS / 2)
        raise


def _outcome(look: Look, event: Mapping[str, Any]) -> str:
    if not look.active and not look.busy:
        return "QUIET"
    if look.busy and event["when_busy"] == "SKIP":
        return "BUSY"
    drain = timedelta(minutes=event["drain_mins"] if event["when_busy"] == "WAIT" else 0)
    waited = clock.now() - clock.moment(event["started_at"])
    if waited <= (drain if look.busy else drain + TO_PAUSE):
        return "WAIT"
    if is_later_redrive(event, "started_in_redrive"):
        return "AGAIN"
    if look.busy:
        return "BUSY"
    raise DeadlinePassed(f"{len(look.active)} DAGs do not stay paused: {listed(sorted(look.active))}")


def _unfinished(book: NoteBook) -> Note:
    if noted := book.unfinished():
        return noted
    raise Misconfigured(f"{book.shelf.url} is no unfinished note. HINT: Start a new execution.")


OPERATIONS: Mapping[str, Callable[[Airflow, NoteBook, Mapping[str, Any]], dict[str, Any]]] = {
    "note": note,
    "quieten": quieten,
    "still_quiet": still_quiet,
    "resume": resume,
}
