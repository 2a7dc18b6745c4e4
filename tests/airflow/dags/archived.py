"""DAGs with a history: what an archive tells of them."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG, task

for dag_id in ("archived", "left_alone", "with_a_long_id_" + "x" * 60):
    with DAG(dag_id, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None, catchup=False):

        @task
        def first() -> str:
            """Leave something."""
            return "left"

        @task
        def second(found: str) -> None:
            """Take it."""

        second(first())
