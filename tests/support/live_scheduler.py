"""A writer that behaves as a live scheduler does, in a process of its own: one commit for each step.

`python -m tests.support.live_scheduler URL SEED` writes until it is killed; it says when it has taken a
hundred steps more. In every state that it commits, `broken_promises` finds nothing. It ends when a statement fails.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class by its use

from tests.support.metadata import Metadata

TASKS = 4
KEPT_RUNS = 40
NEXT = {None: "scheduled", "scheduled": "queued", "queued": "running", "up_for_reschedule": "scheduled"}

UNTOLD = """
SELECT (SELECT count(*) FROM dag_run WHERE state IN ('success', 'failed'))
     - (SELECT count(*) FROM log WHERE event = 'finished') + (SELECT count(*) FROM log WHERE event = 'cleaned')
"""
"""Finished runs of which the log does not say that they finished; negative: the other way round."""

PROMISES = {
    "a successful task without its XCom": """
        SELECT count(*) FROM task_instance t LEFT JOIN xcom x USING (dag_id, run_id, task_id, map_index)
         WHERE t.state = 'success' AND x.key IS NULL
    """,
    "an XCom without its successful task": """
        SELECT count(*) FROM xcom x LEFT JOIN task_instance t USING (dag_id, run_id, task_id, map_index)
         WHERE t.state IS DISTINCT FROM 'success'
    """,
    "an XCom of another run": """
        SELECT count(*) FROM xcom x JOIN dag_run r ON r.id = x.dag_run_id
         WHERE convert_from(x.value, 'UTF8') <> r.run_id
    """,
    "a task of another run's job": """
        SELECT count(*) FROM task_instance t JOIN job j ON j.id = t.job_id WHERE j.hostname <> t.run_id || t.task_id
    """,
    "a successful run without its dataset event": """
        SELECT count(*) FROM dag_run r LEFT JOIN dagrun_dataset_event d ON d.dag_run_id = r.id
          LEFT JOIN dataset_event e ON e.id = d.event_id AND e.source_run_id = r.run_id
         WHERE r.state = 'success' AND e.id IS NULL
    """,
    "a finished run without its note": """
        SELECT count(*) FROM dag_run r
          LEFT JOIN dag_run_note n ON n.dag_run_id = r.id AND n.content LIKE r.run_id || '%'
         WHERE r.state = 'success' AND n.dag_run_id IS NULL
    """,
}


def broken_promises(db: Metadata) -> list[str]:
    """What no committed state shows, nor one of its restores: rows of two states, a reference to another row."""
    return [name for name, query in PROMISES.items() if db.one(query) != 0]


@contextmanager
def live_scheduler(url: str, seed: int, dag_id: str = "live") -> Iterator[list[str]]:
    """Start it, and wait until it has run so long that it cleans, too; gives a line for each hundred steps."""
    command = [sys.executable, "-m", "tests.support.live_scheduler", url, str(seed), dag_id]
    hundreds: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(15):
            process.stdout.readline()
        reader = threading.Thread(target=lambda: hundreds.extend(process.stdout or ()))
        reader.start()
        try:
            yield hundreds
            assert process.poll() is None, "the writer must not fail"
        finally:
            process.kill()
            reader.join()


@dataclass
class Run:
    """A run that is not finished."""

    run_id: str
    id: int
    states: dict[str, str | None] = field(default_factory=lambda: {f"t{n}": None for n in range(TASKS)})
    jobs: dict[str, int] = field(default_factory=dict)


class LiveScheduler:
    """Moves runs on, one random step at a time; passes over DAGs and pools that are locked, as Airflow does."""

    def __init__(self, url: str, seed: int, dag_id: str = "live") -> None:
        self._connection = psycopg2.connect(url)
        self._dag_id = dag_id
        self._chance = random.Random(seed)
        self._runs: list[Run] = []
        self._finished: list[int] = []
        self._number = 0
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO dag (dag_id, is_paused, is_active, max_active_tasks, max_active_runs,"
                " has_task_concurrency_limits, max_consecutive_failed_dag_runs)"
                " VALUES (%s, false, true, 16, 16, false, 0)",
                (dag_id,),
            )
            self._job = _id(
                cursor, "INSERT INTO job (job_type, state, start_date) VALUES ('SchedulerJob', 'running', now())"
            )
            self._dataset = _id(
                cursor,
                "INSERT INTO dataset (uri, extra, created_at, updated_at, is_orphaned)"
                " VALUES (%s, '{}', now(), now(), false)",
                f"s3://{dag_id}",
            )

    def step(self) -> None:
        """Do one thing and commit it."""
        with suppress(errors.LockNotAvailable), self._connection, self._connection.cursor() as cursor:
            if len(self._runs) < 5 and self._chance.random() < 0.3:
                self._begin(cursor)
            elif len(self._finished) > KEPT_RUNS and self._chance.random() < 0.2:
                self._clean(cursor)
            elif self._runs:
                self._move(cursor, self._chance.choice(self._runs))
            cursor.execute("UPDATE job SET latest_heartbeat = now() WHERE id = %s", (self._job,))

    def _begin(self, cursor: Cursor) -> None:
        cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused AND is_active FOR UPDATE OF dag SKIP LOCKED")
        if (self._dag_id,) not in cursor.fetchall():
            return
        self._number += 1
        number = _id(
            cursor,
            "INSERT INTO dag_run (dag_id, run_id, run_type, state, execution_date, start_date, creating_job_id)"
            " VALUES (%s, %s, 'scheduled', 'running', timestamptz '2026-01-01' + %s * interval '1 min', now(), %s)",
            self._dag_id,
            f"{self._dag_id}_{self._number}",
            self._number,
            self._job,
        )
        run = Run(f"{self._dag_id}_{self._number}", number)
        for task in run.states:
            cursor.execute(
                "INSERT INTO task_instance"
                " (dag_id, run_id, task_id, map_index, pool, pool_slots, try_number, max_tries)"
                " VALUES (%s, %s, %s, -1, 'default_pool', 1, 0, 0)",
                (self._dag_id, run.run_id, task),
            )
        self._runs.append(run)

    def _move(self, cursor: Cursor, run: Run) -> None:
        open_tasks = [task for task, state in run.states.items() if state not in ("success", "failed")]
        if not open_tasks:
            return self._finish(cursor, run)
        task = self._chance.choice(open_tasks)
        state = run.states[task]
        return self._end(cursor, run, task) if state == "running" else self._advance(cursor, run, task, NEXT[state])

    def _advance(self, cursor: Cursor, run: Run, task: str, state: str) -> None:
        if state == "queued":
            cursor.execute("SELECT pool FROM slot_pool FOR UPDATE NOWAIT")
        if state == "running":
            run.jobs[task] = _id(
                cursor,
                "INSERT INTO job (job_type, state, start_date, hostname, dag_id)"
                " VALUES ('LocalTaskJob', 'running', clock_timestamp(), %s, %s)",
                run.run_id + task,
                self._dag_id,
            )
        self._set(cursor, run, task, state)

    def _end(self, cursor: Cursor, run: Run, task: str) -> None:
        state = self._chance.choice(("success", "success", "success", "failed", "up_for_reschedule"))
        place = (self._dag_id, run.run_id, task)
        if state == "success":
            cursor.execute(
                "INSERT INTO xcom (dag_run_id, dag_id, run_id, task_id, map_index, key, timestamp, value)"
                " VALUES (%s, %s, %s, %s, -1, 'return_value', now(), %s)",
                (run.id, *place, run.run_id.encode()),
            )
            cursor.execute(
                "INSERT INTO rendered_task_instance_fields (dag_id, run_id, task_id, map_index, rendered_fields)"
                " VALUES (%s, %s, %s, -1, '{}') ON CONFLICT DO NOTHING",
                place,
            )
        elif state == "failed":
            cursor.execute("INSERT INTO task_fail (dag_id, run_id, task_id, map_index) VALUES (%s, %s, %s, -1)", place)
        else:
            cursor.execute(
                "INSERT INTO task_reschedule (dag_id, run_id, task_id, map_index, try_number, start_date, end_date,"
                " duration, reschedule_date) VALUES (%s, %s, %s, -1, 1, now(), now(), 0, now())",
                place,
            )
        cursor.execute("UPDATE job SET state = 'success', end_date = now() WHERE id = %s", (run.jobs[task],))
        self._set(cursor, run, task, state)

    def _set(self, cursor: Cursor, run: Run, task: str, state: str) -> None:
        cursor.execute(
            "UPDATE task_instance SET state = %s, job_id = %s, queued_by_job_id = %s WHERE dag_id = %s"
            " AND run_id = %s AND task_id = %s",
            (state, run.jobs.get(task), self._job, self._dag_id, run.run_id, task),
        )
        self._log(cursor, run.run_id, state)
        run.states[task] = state

    def _finish(self, cursor: Cursor, run: Run) -> None:
        state = "failed" if "failed" in run.states.values() else "success"
        cursor.execute("UPDATE dag_run SET state = %s, end_date = now() WHERE id = %s", (state, run.id))
        self._log(cursor, run.run_id, "finished")
        if state == "success":
            event = _id(
                cursor,
                "INSERT INTO dataset_event (dataset_id, extra, source_dag_id, source_run_id, timestamp)"
                " VALUES (%s, '{}', %s, %s, now())",
                self._dataset,
                self._dag_id,
                run.run_id,
            )
            cursor.execute("INSERT INTO dagrun_dataset_event (dag_run_id, event_id) VALUES (%s, %s)", (run.id, event))
            cursor.execute(
                "INSERT INTO dag_run_note (dag_run_id, content, created_at, updated_at) VALUES (%s, %s, now(), now())",
                (run.id, run.run_id),
            )
        self._runs.remove(run)
        self._finished.append(run.id)

    def _clean(self, cursor: Cursor) -> None:
        oldest = self._finished.pop(0)
        cursor.execute("DELETE FROM dag_run WHERE id = %s", (oldest,))
        self._log(cursor, None, "cleaned")

    def _log(self, cursor: Cursor, run_id: str | None, event: str) -> None:
        cursor.execute(
            "INSERT INTO log (dttm, dag_id, run_id, event) VALUES (now(), %s, %s, %s)", (self._dag_id, run_id, event)
        )


def _id(cursor: Cursor, statement: str, *values: object) -> int:
    cursor.execute(f"{statement} RETURNING id", values)
    return int((cursor.fetchone() or (0,))[0])


if __name__ == "__main__":
    scheduler = LiveScheduler(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    while True:
        for _ in range(100):
            scheduler.step()
        sys.stdout.write("a hundred steps\n")
        sys.stdout.flush()
