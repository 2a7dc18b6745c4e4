"""A DAG that only the second Airflow has: its history must survive the restore."""

from __future__ import annotations

from datetime import datetime, timezone

from drill_moved import DAG, PythonOperator

with DAG("drill_elsewhere", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), schedule=None):
    PythonOperator(task_id="work", python_callable=lambda: "elsewhere")
