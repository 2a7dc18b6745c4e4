"""A DAG that works every minute, and writes down where: in the ledger, which belongs to no environment."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from drill_moved import DAG, PythonOperator


def work(run_id: str, **_: Any) -> str:
    """Add a line for this run: a process that appends so few bytes is not interrupted by another one."""
    with Path(os.environ["DRILL_LEDGER"]).open("a") as ledger:
        ledger.write(f"{os.environ['AIRFLOW_ENV_NAME']} {run_id}\n")
    return run_id


with DAG("minutely", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), schedule="* * * * *", catchup=False):
    PythonOperator(task_id="work", python_callable=work)
