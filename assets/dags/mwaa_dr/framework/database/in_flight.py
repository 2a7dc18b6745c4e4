"""What becomes of interrupted work, decided in the staged tables before anything is merged."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mwaa_dr.framework.database.deadlines import drop_deadlines, settle_deadlines
from mwaa_dr.framework.database.names import ident, staged, text_array, text_literal
from mwaa_dr.framework.database.selection import FINISHED_TASK, OPEN_TASK, UNFINISHED_RUN
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.tries import keep_tries
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.manifest import Manifest

# What had begun failed; what had not is upstream_failed, since "clear only failed tasks" passes over skipped ones.
BEGUN = "('running', 'deferred', 'awaiting_input', 'up_for_retry', 'up_for_reschedule', 'restarting', 'shutdown')"
_AS_FAILED = f"CASE WHEN state IN {BEGUN} THEN 'failed' ELSE 'upstream_failed' END"
_NOTE_LIMIT = 1000
OPEN_RUNS = "mwaa_dr_open_runs"
"""The temporary table of the staged runs that were in flight at the snapshot."""
_OF_OPEN_RUN = f"(t.dag_id, t.run_id) IN (SELECT dag_id, run_id FROM {OPEN_RUNS})"
_UNFINISHED = f"(t.state IS NULL OR t.{OPEN_TASK}) AND {_OF_OPEN_RUN}"

_FORGET = ("trigger_id", "trigger_timeout", "next_method", "next_kwargs", "external_executor_id")
"""Columns of a task instance that point at a process or trigger of the lost environment."""


def is_told(work: Work, stages: Mapping[str, Staged], manifest: Manifest) -> bool:
    """Whether the manifest says of each staged run in flight whether a task of it was finished.

    Then it can be decided before the task instances are read what becomes of the runs.
    """
    runs = stages.get("dag_run")
    return runs is None or not work.exists(
        f"SELECT 1 FROM {runs.name} WHERE {UNFINISHED_RUN} AND (dag_id, run_id) NOT IN ({_told(manifest)})"
    )


def _told(manifest: Manifest, *, finished: bool = False) -> str:
    """The query of the interrupted runs that the manifest lists, or of those with finished tasks."""
    runs = [run for run in manifest.interrupted if run.finished_tasks or not finished]
    columns = (text_array([run.dag_id for run in runs]), text_array([run.run_id for run in runs]))
    return f"SELECT * FROM unnest({', '.join(columns)})"


def leave_out_own_work(work: Work, stages: Mapping[str, Staged], ours: Collection[str]) -> None:
    """Our own unfinished runs never come back: the backup's own run is always one of them."""
    if "dag_run" in stages:
        work.run(f"DELETE FROM {staged('dag_run')} WHERE dag_id = ANY({text_array(ours)}) AND {UNFINISHED_RUN}")


def _open_runs(work: Work, runs: Staged) -> None:
    """Set the keys of the runs in flight aside: few rows, against which millions are compared."""
    work.run(
        f"CREATE TEMPORARY TABLE {OPEN_RUNS} ON COMMIT DROP AS"
        f" SELECT id, dag_id, run_id FROM {runs.name} WHERE {UNFINISHED_RUN}"
    )
    work.run(f"ANALYZE {OPEN_RUNS}")


def drop(work: Work, stages: Mapping[str, Staged], manifest: Manifest, *, waits: bool = False) -> None:
    """Restore nothing as running: runs with finished tasks come back as failed, others not at all.

    With `waits` the task instances are not read yet, and `settle_tasks` is called once they are.
    """
    runs, tasks = stages.get("dag_run"), stages.get("task_instance")
    if runs and tasks and waits:
        work.run(
            f"DELETE FROM {runs.name} WHERE {UNFINISHED_RUN}"
            f" AND (dag_id, run_id) NOT IN ({_told(manifest, finished=True)})"
        )
    elif runs and tasks:
        work.run(
            f"DELETE FROM {runs.name} r WHERE {UNFINISHED_RUN} AND NOT EXISTS (SELECT 1 FROM {tasks.name} t"
            f" WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id AND t.{FINISHED_TASK})"
        )
    if runs is None:
        return
    _open_runs(work, runs)
    drop_deadlines(work, stages)
    if tasks and not waits:
        _fail_open_tasks(work, tasks, manifest)
    moment = f"{text_literal(manifest.snapshot_time)}::timestamptz"
    if "dag_run_note" in stages:
        _note(work, stages["dag_run_note"], manifest)
    work.run(f"UPDATE {runs.name} SET state = 'failed', end_date = COALESCE(end_date, {moment}) WHERE {UNFINISHED_RUN}")


def settle_tasks(work: Work, tasks: Staged, manifest: Manifest) -> None:
    """Do what `drop` has left until the task instances are read; raise DamagedBackupError where it was told wrongly."""
    told, finished = _told(manifest), _told(manifest, finished=True)
    if manifest.interrupted and work.exists(
        f"SELECT 1 FROM ({told}) r (dag_id, run_id) LEFT JOIN ("
        f"SELECT DISTINCT dag_id, run_id FROM {tasks.name} WHERE {FINISHED_TASK} AND (dag_id, run_id) IN ({told})"
        f") t USING (dag_id, run_id) WHERE (t.dag_id IS NULL) = ((dag_id, run_id) IN ({finished}))"
    ):
        raise DamagedBackupError("the manifest tells otherwise which runs have finished tasks than the rows")
    _fail_open_tasks(work, tasks, manifest)


def _fail_open_tasks(work: Work, tasks: Staged, manifest: Manifest) -> None:
    moment = f"{text_literal(manifest.snapshot_time)}::timestamptz"
    work.run(
        f"UPDATE {tasks.name} t SET state = {_AS_FAILED}, end_date = COALESCE(end_date, {moment}),"
        f" {_forgotten(tasks)} WHERE t.{OPEN_TASK} OR ({_UNFINISHED})"
    )


def _note(work: Work, notes: Staged, manifest: Manifest) -> None:
    text = text_literal(
        f"Interrupted at {manifest.snapshot_time}; restored as failed from backup {manifest.backup_id}."
        " Clear its failed tasks to run what was not finished."
    )
    work.run(
        f"UPDATE {notes.name} n SET content = left(concat_ws(E'\\n', content, {text}), {_NOTE_LIMIT})"
        f" FROM {OPEN_RUNS} r WHERE r.id = n.dag_run_id"
    )
    moment = f"{text_literal(manifest.snapshot_time)}::timestamptz"
    work.run(
        f"INSERT INTO {notes.name} (dag_run_id, content, created_at, updated_at)"
        f" SELECT r.id, {text}, {moment}, {moment} FROM {OPEN_RUNS} r"
        f" WHERE NOT EXISTS (SELECT 1 FROM {notes.name} n WHERE n.dag_run_id = r.id)"
    )


def resume(work: Work, stages: Mapping[str, Staged], manifest: Manifest) -> None:
    """Keep finished tasks, clear unfinished ones as Airflow's own clear does, and queue their runs."""
    runs, tasks = stages.get("dag_run"), stages.get("task_instance")
    if runs is None:
        return
    _open_runs(work, runs)
    if tasks is None:
        return
    moment = f"{text_literal(manifest.snapshot_time)}::timestamptz"
    settle_deadlines(work, stages)
    keep_tries(work, stages, _UNFINISHED, BEGUN, moment)
    # Airflow sets max_tries to try_number + the task's retries; max_tries holds those until it is raised.
    work.run(
        f"UPDATE {tasks.name} t SET state = NULL, max_tries = COALESCE(try_number, 0) + GREATEST(max_tries, 0),"
        f" {_forgotten(tasks)} WHERE {_UNFINISHED}"
    )
    work.run(
        f"UPDATE {tasks.name} t SET state = {_AS_FAILED}, end_date = COALESCE(end_date, {moment}),"
        f" {_forgotten(tasks)} WHERE t.{OPEN_TASK} AND NOT {_OF_OPEN_RUN}"
    )
    again = ", clear_number = clear_number + 1" if runs.has("clear_number") else ""
    work.run(
        f"UPDATE {runs.name} SET state = 'queued', queued_at = now(), start_date = NULL, end_date = NULL,"
        f" last_scheduling_decision = NULL{again} WHERE {UNFINISHED_RUN}"
    )


def _forgotten(tasks: Staged) -> str:
    return ", ".join(f"{ident(c)} = NULL" for c in _FORGET if tasks.has(c)) or "state = state"
