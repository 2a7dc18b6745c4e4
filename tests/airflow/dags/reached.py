"""DAGs of any Airflow, which are asked for from outside."""

from datetime import datetime

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task

LONG = "reached_" + "x" * 60

for name in ("reached", "other", LONG, f"{LONG}_too"):
    with DAG(
        name, schedule=None, start_date=datetime(2026, 1, 1), is_paused_upon_creation=name != "other"
    ) as globals()[name]:
        task(lambda: None, task_id="nothing")()
