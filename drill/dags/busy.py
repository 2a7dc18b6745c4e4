"""A DAG that is at work when a stop of its Airflow begins: the stop has to wait for it."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from drill_moved import DAG, PythonOperator


def be_at_work() -> str:
    """Work for longer than everything else here."""
    time.sleep(20)
    return "done in peace"


with DAG("busy", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), schedule=None):
    PythonOperator(task_id="be_at_work", python_callable=be_at_work)
