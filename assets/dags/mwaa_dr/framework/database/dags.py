"""Which DAGs are active, and that none of them replays the past."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.match import Merged
from mwaa_dr.framework.database.names import ident, idents, staged, text_array
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work

_NEXT = (
    "next_dagrun",
    "next_dagrun_data_interval_start",
    "next_dagrun_data_interval_end",
    "next_dagrun_create_after",
)
"""What the scheduler creates next: NULL until the next parse computes it from the restored history."""

_STUB_DEFAULTS = {
    "is_paused": "true",
    "is_active": "false",
    "is_subdag": "false",
    "max_active_tasks": "16",
    "max_active_runs": "16",
    "max_consecutive_failed_dag_runs": "0",
    "has_task_concurrency_limits": "true",
}
"""For a DAG of which the backup has runs but no row: it was active nowhere, so its stub is paused."""


def forget_next(catalog: Catalog) -> str:
    """The assignments that make the next parse compute what is due."""
    return ", ".join(f"{ident(c)} = NULL" for c in _NEXT if catalog.has("dag", c))


def lock_dags(work: Work) -> None:
    """Hold all DAG rows: the scheduler passes over locked ones, the parser waits.

    Without it the scheduler's INSERT of a due run waits for ours, fails at our commit, and the scheduler exits.
    """
    work.run("SELECT count(*) FROM (SELECT 1 FROM dag ORDER BY dag_id FOR UPDATE) locked")
    work.start_clock()


def merge_dags(
    work: Work, stage: Staged, catalog: Catalog, *, ours: Collection[str], hold_back: Collection[str]
) -> Merged:
    """Activate exactly the DAGs that were active; `hold_back` names DAGs whose paused state stays as it is."""
    live = set(catalog.columns("dag"))
    forget = forget_next(catalog)
    mine = text_array({*ours, *hold_back})
    replaced = work.run(
        f"UPDATE dag d SET is_paused = s.is_paused, {forget}"
        f" FROM {stage.name} s WHERE d.dag_id = s.dag_id AND d.dag_id <> ALL ({mine})"
    )
    # A stub: the parser completes it, and finds the history since the row is there (Airflow 2.9.2 on).
    fixed = {c: v for c, v in stage.table.fixed.items() if c in live}
    columns = [c for c in stage.columns if c not in fixed and c not in stage.added]
    inserted = work.run(
        f"INSERT INTO dag ({idents((*columns, *fixed, *stage.added))})"
        f" SELECT {idents(columns, 's')}, {', '.join((*fixed.values(), *stage.added.values()))}"
        f" FROM {stage.name} s WHERE s.dag_id <> ALL ({mine})"
        f" AND NOT EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = s.dag_id)"
        # A DAG that the parser has just met: its row is newer than our look, so only its state is set.
        f" ON CONFLICT (dag_id) DO UPDATE SET is_paused = EXCLUDED.is_paused, {forget}"
    )
    return Merged(inserted=inserted, replaced=replaced, kept=max(0, stage.rows - inserted - replaced))


def stub_the_rest(work: Work, catalog: Catalog, stages: Mapping[str, Staged], ours: Collection[str]) -> int:
    """Give every DAG with restored runs a row, and forget what was due, also where the backup has no such row."""
    if "dag_run" not in stages:
        return 0
    forget = forget_next(catalog)
    # Our own DAGs have no past to replay, and a stub would settle whether they start paused.
    runs = f"SELECT DISTINCT dag_id FROM {staged('dag_run')} WHERE dag_id <> ALL ({text_array(ours)})"
    known = f" AND dag_id NOT IN (SELECT dag_id FROM {staged('dag')})" if "dag" in stages else ""
    work.run(f"UPDATE dag SET {forget} WHERE dag_id IN ({runs}){known}")
    fixed = {c: v for c, v in _STUB_DEFAULTS.items() if catalog.has("dag", c)}
    return work.run(
        f"INSERT INTO dag (dag_id, {idents(fixed)}) SELECT r.dag_id, {', '.join(fixed.values())}"
        f" FROM ({runs}) r WHERE NOT EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = r.dag_id)"
        " ON CONFLICT (dag_id) DO NOTHING"
    )


def unknown_active_dags(work: Work, stage: Staged, ours: Collection[str]) -> list[str]:
    """DAGs of the target that are active but not in the backup: they stay as they are, and are reported."""
    found = work.rows(
        "SELECT dag_id FROM dag d WHERE NOT is_paused AND is_active"
        f" AND dag_id <> ALL ({text_array(ours)})"
        f" AND NOT EXISTS (SELECT 1 FROM {stage.name} s WHERE s.dag_id = d.dag_id) ORDER BY 1"
    )
    return [str(row[0]) for row in found]
