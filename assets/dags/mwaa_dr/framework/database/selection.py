"""What is read of each table, and which work is in flight."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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


def is_paused(active: Collection[str] | None, prefix: str = "") -> str:
    """Whether a DAG counts as paused: as its row says or, where `active` is given, unless it is one of these."""
    return f"{prefix}is_paused" if active is None else f"({prefix}dag_id <> ALL ({text_array(active)}))"


def rows_of(
    table: Table,
    columns: Sequence[str],
    ours: Collection[str],
    *,
    as_text: bool = False,
    instead: Mapping[str, str] | None = None,
    blocks: tuple[int, int | None] = (0, None),
    also: str = "",
    source: str = "",
) -> str:
    """The query of the rows of a table that are worth keeping, with what must not be kept left out.

    `as_text` casts every column, for rows that are written by us and not by Postgres; `instead` has SQL for the
    columns whose value is another than the row's. `blocks` chooses those of a range of the table's blocks: as the one
    behind its end is the first one of the next range, each row is in one of them. `also` is one more condition,
    `source` the quoted name of another table that holds the rows.
    """
    cast, other = "::text" if as_text else "", instead or {}
    values = {column: other.get(column) or _value(table, column, ours) for column in columns}
    chosen = ", ".join(f"{value}{cast} AS {ident(column)}" for column, value in values.items())
    return f"SELECT {chosen} FROM {source or ident(table.name)}{where(table, ours, blocks, also)}"


def where(table: Table, ours: Collection[str], blocks: tuple[int, int | None] = (0, None), also: str = "") -> str:
    """Which rows of a table are worth keeping, of those in a range of its blocks."""
    kept = [f"({with_ours(table.where, ours)})"] if table.where else []
    conditions = [*kept, *_within(*blocks), *filter(None, [also])]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _within(first: int, end: int | None) -> list[str]:
    begins = [f"ctid >= '({first},0)'::tid"] if first else []
    return begins if end is None else [*begins, f"ctid < '({end},0)'::tid"]


def _value(table: Table, column: str, ours: Collection[str]) -> str:
    hidden = table.redact.get(column)
    if not hidden:
        return ident(column)
    return f"(CASE WHEN {with_ours(hidden, ours)} THEN NULL ELSE {ident(column)} END)"


BECOMES_FAILED = "restored as failed: clear its failed tasks by hand to run what was not finished"
BECOMES_AGAIN = "left out: runs again by itself"
BECOMES_TRIGGER = "left out: trigger it again"


def interrupted_runs(
    cursor: Cursor, ours: Collection[str], catalog: Catalog, active: Collection[str] | None = None
) -> list[InterruptedRun]:
    """Every run in flight, and every finished run with a task at work.

    `active` are the DAGs that count as active, where these are others than the database says.
    """
    at_work = _at_work(cursor)
    # From Airflow 3 on a run need not have a logical date.
    date = "run_after" if catalog.has("dag_run", "run_after") else "execution_date"
    cursor.execute(
        f"""
        SELECT r.dag_id, r.run_id, r.state, t.finished, t.unfinished,
               CASE WHEN r.{UNFINISHED_RUN} IS NOT TRUE THEN {_quoted("its open tasks are restored as failed")}
                    WHEN t.finished > 0 THEN {_quoted(BECOMES_FAILED)}
                    WHEN r.run_type = 'scheduled' AND {catalog.is_parsed("d")} AND NOT {is_paused(active, "d.")}
                         AND NOT EXISTS (
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
                SELECT dag_id, run_id FROM task_instance WHERE state = ANY ({text_array(at_work)})))
         ORDER BY r.dag_id, r.{date}, r.run_id
        """
    )
    return [InterruptedRun(*row) for row in cursor.fetchall()]


def _at_work(cursor: Cursor) -> list[str]:
    """The open states that task instances are in, whatever a version calls them.

    Each is the next entry of the index `ti_state` behind the one before: `NOT IN` would read the whole table.
    """
    cursor.execute(
        f"""
        WITH RECURSIVE found AS (
            (SELECT state FROM task_instance WHERE state IS NOT NULL ORDER BY state LIMIT 1)
            UNION ALL
            SELECT (SELECT i.state FROM task_instance i WHERE i.state > found.state ORDER BY i.state LIMIT 1)
              FROM found WHERE found.state IS NOT NULL)
        SELECT state FROM found WHERE {OPEN_TASK}
        """
    )
    return [str(state) for (state,) in cursor.fetchall()]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
