"""The keys of an old backup's runs and task instances, on disk: there may be millions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

OPEN_RUNS = """
SELECT r.dag_id, r.run_id, r.state,
       (SELECT sum(t.finished) FROM tasks t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id),
       (SELECT sum(NOT t.finished) FROM tasks t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id)
  FROM runs r WHERE r.state IN ('queued', 'running') ORDER BY 1, 2
"""


class LegacyKeys:
    """Which runs and task instances the folder has, and the number that each run was given."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;"
            "CREATE TABLE runs (dag_id, run_id, id, state, PRIMARY KEY (dag_id, run_id)) WITHOUT ROWID;"
            "CREATE TABLE tasks (dag_id, run_id, task_id, map_index, finished,"
            " PRIMARY KEY (dag_id, run_id, task_id, map_index)) WITHOUT ROWID;"
            "BEGIN"
        )

    def close(self) -> None:
        """Forget them."""
        self._database.close()

    def add_run(self, key: tuple[str | None, ...], number: str | None, state: str | None) -> bool:
        """Note a run; False where it was there already."""
        sql = "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?)"
        return self._database.execute(sql, (*key, number, state)).rowcount == 1

    def run(self, key: tuple[str | None, ...]) -> str | None:
        """The number of a run, or None where there is no such run."""
        found = self._database.execute("SELECT id FROM runs WHERE dag_id = ? AND run_id = ?", key).fetchone()
        return str(found[0]) if found else None

    def add_task(self, key: tuple[str | None, ...], *, finished: bool) -> bool:
        """Note a task instance; False where it was there already."""
        sql = "INSERT OR IGNORE INTO tasks VALUES (?, ?, ?, ?, ?)"
        return self._database.execute(sql, (*key, finished)).rowcount == 1

    def has_task(self, key: tuple[str | None, ...]) -> bool:
        """Whether there is such a task instance."""
        sql = "SELECT 1 FROM tasks WHERE dag_id = ? AND run_id = ? AND task_id = ? AND map_index = ?"
        return self._database.execute(sql, key).fetchone() is not None

    def dags(self) -> list[str]:
        """The DAGs that have runs."""
        return [row[0] for row in self._database.execute("SELECT DISTINCT dag_id FROM runs ORDER BY 1")]

    def open_runs(self) -> Iterator[tuple[str, str, str, int, int]]:
        """The runs in flight, each with the number of its finished and of its other task instances."""
        for dag_id, run_id, state, finished, unfinished in self._database.execute(OPEN_RUNS):
            yield dag_id, run_id, state, finished or 0, unfinished or 0
