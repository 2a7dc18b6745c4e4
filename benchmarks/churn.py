"""What an Airflow does to its database between two backups: one per cent of the rows, deletes among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.rows import TASKS, Size

NEW, TOUCHED, GONE = 0.004, 0.002, 0.003
"""Shares of the runs that come, that are cleared and run again, and that are cleaned away with all their rows."""
SCATTERED = 1000
"""One row of so many is changed or deleted wherever it lies."""
LATER = "interval '3650 days'"

_OF_RUNS = {
    "dag_run": "id BETWEEN {first} AND {last}",
    "task_instance": "job_id BETWEEN {first_task} AND {last_task}",
    "xcom": "dag_run_id BETWEEN {first} AND {last}",
    "log": "id BETWEEN 2 * {first_task} - 1 AND 2 * {last_task}",
    "job": "id BETWEEN {first_task} AND {last_task}",
}
"""The rows of a range of runs; their keys follow from those of the runs, as benchmarks/rows.py makes them."""
_COPIED = {
    "dag_run": "id = id + {runs}, run_id = run_id || '+', execution_date = execution_date + {later}",
    "task_instance": "job_id = job_id + {tasks}, run_id = run_id || '+'",
    "xcom": "dag_run_id = dag_run_id + {runs}, run_id = run_id || '+'",
    "log": "id = id + 2 * {tasks}, run_id = run_id || '+'",
    "job": "id = id + {tasks}",
}
_RUN_AGAIN = {
    "dag_run": "state = 'success', last_scheduling_decision = now(), updated_at = now()",
    "task_instance": "state = 'success', try_number = try_number + 1, updated_at = now()",
    "xcom": "value = value || '\\x20'",
    "log": "try_number = try_number + 1",
    "job": "latest_heartbeat = now()",
}


@dataclass
class Churn:
    """The runs that are there, which change with each round."""

    first: int
    last: int
    runs: int
    """At the beginning."""

    @classmethod
    def of(cls, size: Size) -> Churn:
        """Before the first round."""
        return cls(1, size.dags * size.runs, size.dags * size.runs)

    def statements(self) -> Iterator[str]:
        """One round of it."""
        new, touched, gone = (max(1, round(self.runs * share)) for share in (NEW, TOUCHED, GONE))
        yield "SET session_replication_role = replica"
        for table, changes in _RUN_AGAIN.items():
            yield f"UPDATE {table} SET {changes} WHERE {_rows(table, self.last - touched + 1, self.last)}"
        for table, changes in _COPIED.items():
            copied = changes.format(runs=new, tasks=new * TASKS, later=LATER)
            newest = _rows(table, self.last - new + 1, self.last)
            yield f"CREATE TEMPORARY TABLE copied AS SELECT * FROM {table} WHERE {newest}"
            yield f"UPDATE copied SET {copied}"
            yield f"INSERT INTO {table} SELECT * FROM copied"
            yield "DROP TABLE copied"
            if changes.startswith("id ="):
                yield f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"
        for table in _OF_RUNS:
            yield f"DELETE FROM {table} WHERE {_rows(table, self.first, self.first + gone - 1)}"
        yield f"UPDATE log SET owner = 'admin' WHERE id % {SCATTERED} = {self.last % SCATTERED}"
        yield f"UPDATE task_instance SET pid = 1 WHERE job_id % {SCATTERED} = {self.last % SCATTERED}"
        yield f"DELETE FROM job WHERE id % {SCATTERED} = {self.last % SCATTERED}"
        self.first, self.last = self.first + gone, self.last + new


def _rows(table: str, first: int, last: int) -> str:
    tasks = {"first_task": (first - 1) * TASKS + 1, "last_task": last * TASKS}
    return _OF_RUNS[table].format(first=first, last=last, **tasks)
