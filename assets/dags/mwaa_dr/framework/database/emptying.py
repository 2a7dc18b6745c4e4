"""The statements of a cleanup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.dags import forget_next
from mwaa_dr.framework.database.names import ident, text_array, text_literal
from mwaa_dr.framework.database.runs import delete_of_runs
from mwaa_dr.framework.database.selection import UNFINISHED_RUN
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.model.options import OwnRun
from mwaa_dr.framework.model.table import Merge, Table

_CHOSEN = "mwaa_dr_emptied"


@dataclass
class Emptying:
    """One transaction of a cleanup over tables in the order of restoring."""

    work: Work
    tables: Sequence[Table]
    ours: tuple[str, ...]
    own_run: OwnRun | None

    def others_in_flight(self) -> list[tuple[object, ...]]:
        """Runs in flight but our own: dag_id, run_id, state."""
        return self.work.rows(
            f"SELECT dag_id, run_id, state FROM dag_run r WHERE {UNFINISHED_RUN} AND NOT {self._own('r')} ORDER BY 1, 2"
        )

    def pause_all(self, catalog: Catalog) -> list[str]:
        """Pause every DAG but our own, else the scheduler catches up from the start date; return the active ones."""
        others = f"dag_id <> ALL ({text_array(self.ours)})"
        active = self.work.rows(
            f"SELECT dag_id FROM dag WHERE NOT is_paused AND {catalog.is_parsed()} AND {others} ORDER BY 1"
        )
        self.work.run(f"UPDATE dag SET is_paused = true, {forget_next(catalog)} WHERE {others}")
        return [str(row[0]) for row in active]

    def choose_runs(self, limit: int) -> bool:
        """Hold the runs to delete and set them aside, at most `limit` (0: all); return whether others are left.

        The scheduler passes over runs that are held; else it would update a task instance that we delete.
        """
        some = f" ORDER BY id LIMIT {limit}" if limit else ""
        self.work.run(
            f"CREATE TEMPORARY TABLE {_CHOSEN} ON COMMIT DROP AS"
            f" SELECT id, dag_id, run_id FROM dag_run r WHERE NOT {self._own('r')}{some} FOR UPDATE"
        )
        self.work.run(f"ANALYZE {_CHOSEN}")
        return bool(limit) and self.work.exists(
            f"SELECT 1 FROM dag_run r WHERE NOT {self._own('r')} AND id NOT IN (SELECT id FROM {_CHOSEN})"
        )

    def delete_runs(self) -> dict[str, int]:
        """Delete the chosen runs, children first; return rows per table."""
        of_runs = [t for t in self.tables if t.merge in (Merge.RUN, Merge.RUN_CHILD)]
        return {table.name: delete_of_runs(self.work, table, _CHOSEN) for table in reversed(of_runs)}

    def delete_others(self) -> dict[str, int]:
        """Delete what belongs to no run; return rows per table."""
        emptied = [t for t in self.tables if t.emptied]
        return {
            table.name: self.work.run(f"DELETE FROM {ident(table.name)} WHERE {table.emptied}")
            for table in reversed(emptied)
        }

    def _own(self, alias: str) -> str:
        if self.own_run is None:
            return "false"
        return (
            f"({alias}.dag_id = {text_literal(self.own_run.dag_id)}"
            f" AND {alias}.run_id = {text_literal(self.own_run.run_id)})"
        )
