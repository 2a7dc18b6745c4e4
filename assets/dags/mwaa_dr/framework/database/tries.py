"""What is kept of an interrupted try of a task that is cleared, where this Airflow keeps every try."""

from __future__ import annotations

from collections.abc import Mapping

from mwaa_dr.framework.database.names import ident, idents, staged
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work

_TRIES = "mwaa_dr_tries"
_SAME = "h.dag_id = t.dag_id AND h.run_id = t.run_id AND h.task_id = t.task_id AND h.map_index = t.map_index"


def keep_tries(work: Work, stages: Mapping[str, Staged], unfinished: str, begun: str, moment: str) -> None:
    """Record the interrupted tries and forget what was rescheduled, as Airflow's own clear does.

    `unfinished` is the condition of a staged task instance `t` that will be cleared, `begun` the list of states.
    """
    history, tasks = stages.get("task_instance_history"), stages["task_instance"]
    by_uuid = tasks.has("id")
    if "task_reschedule" in stages:
        of_it = "s.ti_id = t.id" if by_uuid else _SAME.replace("h.", "s.")
        work.run(f"DELETE FROM {staged('task_reschedule')} s USING {tasks.name} t WHERE {unfinished} AND {of_it}")
    if history is None:
        return
    work.run(
        f"CREATE TEMPORARY TABLE {_TRIES} ON COMMIT DROP AS SELECT t.* FROM {tasks.name} t"
        f" WHERE {unfinished} AND t.try_number > 0 AND t.state IN {begun}"
        f" AND NOT EXISTS (SELECT 1 FROM {history.name} h WHERE {_SAME} AND h.try_number = t.try_number)"
    )
    key = ("task_instance_id", "t.id") if by_uuid else ("id", f"{_highest(history)} + row_number() OVER ()")
    same = [c for c in history.columns if c in tasks.columns and c not in ("state", "end_date", "id")]
    work.run(
        f"INSERT INTO {history.name} ({ident(key[0])}, state, end_date, {idents(same)})"
        f" SELECT {key[1]}, 'failed', COALESCE(t.end_date, {moment}), {idents(same, 't')} FROM {_TRIES} t"
    )
    if by_uuid:
        _give_new_ids(work, stages)


def _highest(history: Staged) -> str:
    return f"(SELECT COALESCE(max(id), 0) FROM {history.name})"


def _give_new_ids(work: Work, stages: Mapping[str, Staged]) -> None:
    """In Airflow 3 the recorded try takes the id of its task instance along, and leaves what points at it behind."""
    work.run(f"ALTER TABLE {_TRIES} ADD COLUMN fresh uuid DEFAULT gen_random_uuid()")
    asked, asked_before = stages.get("hitl_detail"), stages.get("hitl_detail_history")
    if asked and asked_before:
        same = idents(c for c in asked_before.columns if c != "ti_history_id")
        work.run(
            f"INSERT INTO {asked_before.name} (ti_history_id, {same}) SELECT ti_id, {same} FROM {asked.name}"
            f" WHERE ti_id IN (SELECT id FROM {_TRIES})"
        )
    for stage in stages.values():
        if stage.table.parent_key and stage.table.parent == "task_instance":
            column = ident(stage.table.run[0])
            work.run(f"UPDATE {stage.name} s SET {column} = t.fresh FROM {_TRIES} t WHERE t.id = s.{column}")
    work.run(f"UPDATE {stages['task_instance'].name} s SET id = t.fresh FROM {_TRIES} t WHERE t.id = s.id")
