"""What is read of each table, and which work is in flight."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.names import ident, text_array, with_ours
from mwaa_dr.framework.manifest import InterruptedRun
from mwaa_dr.framework.model.table import Table

UNFINISHED_RUN = "state IN ('queued', 'running')"
"""A DAG run in flight."""
FINAL_STATES = ("success", "failed", "skipped", "upstream_failed", "removed")
"""States that a task instance does not leave by itself."""
FINISHED_TASK = "state IN ('success', 'failed', 'skipped', 'upstream_failed')"
"""A task instance that did its work, or will not."""
OPEN_TASK = f"state NOT IN {FINAL_STATES}"
"""A task instance at work; NULL is open only in an unfinished run."""


def rows_of(table: Table, columns: Sequence[str], ours: Collection[str], *, as_text: bool = False) -> str:
    """The query of the rows of a table that are worth keeping, with what must not be kept left out.

    `as_text` casts every column, for rows that are written by us and not by Postgres.
    """
    cast = "::text" if as_text else ""
    chosen = ", ".join(_value(table, column, ours) + cast + f" AS {ident(column)}" for column in columns)
    where = f" WHERE {with_ours(table.where, ours)}" if table.where else ""
    return f"SELECT {chosen} FROM {ident(table.name)}{where}"


def _value(table: Table, column: str, ours: Collection[str]) -> str:
    hidden = table.redact.get(column)
    if not hidden:
        return ident(column)
    return f"(CASE WHEN {with_ours(hidden, ours)} THEN NULL ELSE {ident(column)} END)"


BECOMES_FAILED = "restored as failed: clear its failed tasks by hand to run what was not finished"
BECOMES_AGAIN = "left out: runs again by itself"
BECOMES_TRIGGER = "left out: trigger it again"


def interrupted_runs(cursor: Cursor, ours: Collection[str], catalog: Catalog) -> list[InterruptedRun]:
    """Every run in flight, and every finished run with a task at work."""
    # From Airflow 3 on a run need not have a logical date.
    date = "run_after" if catalog.has("dag_run", "run_after") else "execution_date"
    cursor.execute(
        f"""
        SELECT r.dag_id, r.run_id, r.state, t.finished, t.unfinished,
               CASE WHEN r.{UNFINISHED_RUN} IS NOT TRUE THEN {_quoted("its open tasks are restored as failed")}
                    WHEN t.finished > 0 THEN {_quoted(BECOMES_FAILED)}
                    WHEN r.run_type = 'scheduled' AND {catalog.is_parsed("d")} AND NOT d.is_paused AND NOT EXISTS (
                         SELECT 1 FROM dag_run later WHERE later.dag_id = r.dag_id AND later.{date} > r.{date}
                            AND later.run_type = 'scheduled'
                            AND (later.{UNFINISHED_RUN} IS NOT TRUE OR EXISTS (
                                SELECT 1 FROM task_instance done WHERE done.dag_id = later.dag_id
                                   AND done.run_id = later.run_id AND done.{FINISHED_TASK})))
                    THEN {_quoted(BECOMES_AGAIN)} ELSE {_quoted(BECOMES_TRIGGER)} END
          FROM dag_run r
          LEFT JOIN dag d ON d.dag_id = r.dag_id
          CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE i.{FINISHED_TASK}) AS finished,
                      count(*) FILTER (WHERE i.{OPEN_TASK} OR i.state IS NULL) AS unfinished,
                      count(*) FILTER (WHERE i.{OPEN_TASK}) AS open
                 FROM task_instance i WHERE i.dag_id = r.dag_id AND i.run_id = r.run_id) t
         WHERE r.dag_id <> ALL ({text_array(ours)})
           AND (r.{UNFINISHED_RUN} OR (r.dag_id, r.run_id) IN (
                SELECT dag_id, run_id FROM task_instance WHERE {OPEN_TASK}))
         ORDER BY r.dag_id, r.{date}, r.run_id
        """
    )
    return [InterruptedRun(*row) for row in cursor.fetchall()]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
