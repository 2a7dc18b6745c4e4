"""DAGs of any Airflow, which are asked for from outside."""

from datetime import datetime

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG

for name in ("reached", "other"):
    globals()[name] = DAG(
        name, schedule=None, start_date=datetime(2026, 1, 1), is_paused_upon_creation=name == "reached"
    )
