"""Which DAGs are active, and that none of them replays the past."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.names import ident, idents, staged, text_array
from mwaa_dr.framework.database.selection import UNFINISHED_RUN
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work

_NEXT = (
    "next_dagrun",
    "next_dagrun_data_interval_start",
    "next_dagrun_data_interval_end",
    "next_dagrun_create_after",
    "next_dagrun_partition_key",
    "next_dagrun_partition_date",
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
_STUB_DEFAULTS_3 = {
    "is_stale": "true",
    "fileloc": "''",  # the REST API of Airflow 3 fails on a list in which one DAG has none
    "bundle_name": "(SELECT name FROM dag_bundle ORDER BY active DESC NULLS LAST, name LIMIT 1)",
    "timetable_type": "''",
    "partition_mapper_info": "'[]'",
}


def forget_next(catalog: Catalog) -> str:
    """The assignments that make the next parse compute what is due."""
    return ", ".join(f"{ident(c)} = NULL" for c in _NEXT if catalog.has("dag", c))


def lock_dags(work: Work, catalog: Catalog) -> None:
    """Hold all DAG rows: the scheduler passes over locked ones and makes no run, the parser waits.

    Without it the scheduler's INSERT of a due run waits for ours, fails at our commit, and the scheduler exits.
    """
    if _is_locked_gently(catalog):
        # The scheduler holds a run, and then waits for its DAG: the other way round both of us would wait for ever.
        _hold_runs_at_work(work)
    _hold_dags(work, catalog)


def _hold_dags(work: Work, catalog: Catalog) -> None:
    # The weakest lock that SKIP LOCKED heeds. A stronger one would stop the scheduler itself: it updates a DAG's
    # row without skipping when one of its runs ends, and then no heart beats until we commit.
    gently = _is_locked_gently(catalog)
    mode = "SHARE" if gently else "KEY SHARE"
    work.run(f"SELECT count(*) FROM (SELECT 1 FROM dag ORDER BY dag_id FOR {mode}) locked")
    work.start_clock()
    if gently:
        # Runs that were made while we waited; one that the scheduler has already is not waited for, see above.
        _hold_runs_at_work(work, "NOWAIT")


def _is_locked_gently(catalog: Catalog) -> bool:
    """Whether Airflow locks rows FOR NO KEY UPDATE, which KEY SHARE does not keep out: from 3.0 on.

    What it takes to keep it out of `dag` also stops its UPDATE when a run ends, so no run may end: those at work are
    held, too, and passed over.
    """
    return catalog.has("dag", "is_stale")


def _hold_runs_at_work(work: Work, wait: str = "") -> None:
    if work.dry_run:
        return  # the DAGs that it locks are copies
    # Runs of paused DAGs end without a word to the DAG's row, and are updated without skipping.
    work.run(
        "SELECT count(*) FROM (SELECT 1 FROM dag_run r JOIN dag d USING (dag_id)"
        f" WHERE r.{UNFINISHED_RUN} AND NOT d.is_paused ORDER BY r.id FOR SHARE OF r {wait}) locked"
    )


def add_missing_dags(
    work: Work,
    stages: Mapping[str, Staged],
    catalog: Catalog,
    *,
    ours: Collection[str],
    untouched: Collection[str],
    activate: bool,
) -> int:
    """Insert and hold a row for each DAG with restored rows that has none; return how many the backup has.

    The parser completes such a stub, and finds the history since the row is there (Airflow 2.9.2 on). A parser
    that meets one of these DAGs now waits, else its runs could be made beside those that we restore. Without
    `activate` all of them are paused.
    """
    stage, inserted = stages.get("dag"), 0
    if stage:
        fixed = {c: v for c, v in stage.table.fixed.items() if catalog.has("dag", c)}
        fixed |= {} if activate else {"is_paused": "true"}
        columns = [c for c in stage.columns if c not in fixed and c not in stage.added]
        inserted = work.run(
            f"INSERT INTO dag ({idents((*columns, *fixed, *stage.added))})"
            f" SELECT {idents(columns, 's')}, {', '.join((*fixed.values(), *stage.added.values()))}"
            f" FROM {stage.name} s WHERE s.dag_id <> ALL ({text_array(untouched)}) ON CONFLICT DO NOTHING"
        )
    if "dag_run" in stages:
        defaults = _STUB_DEFAULTS | (_STUB_DEFAULTS_3 if catalog.has("dag", "is_stale") else {})
        fixed = {c: v for c, v in defaults.items() if catalog.has("dag", c)}
        work.run(
            f"INSERT INTO dag (dag_id, {idents(fixed)}) SELECT r.dag_id, {', '.join(fixed.values())}"
            f" FROM ({_dags_with_runs(ours)}) r ON CONFLICT DO NOTHING"
        )
    # Once more: a row that the parser was just writing made our INSERT wait, and is not held yet.
    _hold_dags(work, catalog)
    return inserted


def merge_dags(work: Work, stage: Staged, catalog: Catalog, *, untouched: Collection[str], activate: bool) -> int:
    """Activate exactly the DAGs that were active; `untouched` names DAGs whose paused state stays as it is.

    Without `activate` that of every DAG does, and none replays the past when somebody activates it later.
    """
    state = "is_paused = s.is_paused, " if activate else ""
    return work.run(
        f"UPDATE dag d SET {state}{forget_next(catalog)}"
        f" FROM {stage.name} s WHERE d.dag_id = s.dag_id AND d.dag_id <> ALL ({text_array(untouched)})"
    )


def forget_the_rest(work: Work, catalog: Catalog, stages: Mapping[str, Staged], ours: Collection[str]) -> None:
    """Forget what was due for every DAG with restored runs, also where the backup has no row of it."""
    if "dag_run" not in stages:
        return
    known = f" AND dag_id NOT IN (SELECT dag_id FROM {staged('dag')})" if "dag" in stages else ""
    work.run(f"UPDATE dag SET {forget_next(catalog)} WHERE dag_id IN ({_dags_with_runs(ours)}){known}")


def _dags_with_runs(ours: Collection[str]) -> str:
    # Our own DAGs have no past to replay, and a stub would settle whether they start paused.
    return f"SELECT DISTINCT dag_id FROM {staged('dag_run')} WHERE dag_id <> ALL ({text_array(ours)})"


def left_paused(work: Work, stage: Staged, untouched: Collection[str]) -> list[str]:
    """DAGs that were active in the backup and are paused here."""
    found = work.rows(
        f"SELECT d.dag_id FROM dag d JOIN {stage.name} s USING (dag_id) WHERE d.is_paused AND NOT s.is_paused"
        f" AND d.dag_id <> ALL ({text_array(untouched)}) ORDER BY 1"
    )
    return [str(row[0]) for row in found]


def unknown_active_dags(work: Work, stage: Staged, catalog: Catalog, ours: Collection[str]) -> list[str]:
    """DAGs of the target that are active but not in the backup: they stay as they are, and are reported."""
    found = work.rows(
        f"SELECT dag_id FROM dag d WHERE NOT is_paused AND {catalog.is_parsed('d')}"
        f" AND dag_id <> ALL ({text_array(ours)})"
        f" AND NOT EXISTS (SELECT 1 FROM {stage.name} s WHERE s.dag_id = d.dag_id) ORDER BY 1"
    )
    return [str(row[0]) for row in found]
