"""`python scheduler_worker.py URL`: commits as a scheduler does until its input ends, and times it."""

from __future__ import annotations

import json
import select
import sys
import time

import psycopg2

EVERY = 0.01
"""Seconds from the begin of one transaction to that of the next."""
STEPS = (
    "UPDATE job SET latest_heartbeat = clock_timestamp() WHERE id = 1",
    "UPDATE dag SET last_parsed_time = clock_timestamp() WHERE dag_id = (SELECT min(dag_id) FROM dag)",
    "INSERT INTO log (dttm, dag_id, event, owner) VALUES (clock_timestamp(), 'a', 'scheduled', 'airflow')",
    "UPDATE task_instance SET updated_at = clock_timestamp() WHERE (dag_id, run_id, task_id, map_index) ="
    " (SELECT dag_id, run_id, task_id, map_index FROM task_instance LIMIT 1)",
)
"""What one transaction writes: a heartbeat, a parse, an audit line and a task that moves on."""


def main(url: str) -> None:
    """Tell the moment on the machine's clock and the seconds of each transaction, from its begin to its commit."""
    taken: list[tuple[float, float]] = []
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        due = time.monotonic()
        while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            begun = time.monotonic()
            for step in STEPS:
                cursor.execute(step)
            connection.commit()
            taken.append((begun, time.monotonic() - begun))
            due = max(due + EVERY, begun)  # what was late is not made up for by a rush
    connection.close()
    sys.stdout.write(json.dumps(taken))


if __name__ == "__main__":
    main(sys.argv[1])
