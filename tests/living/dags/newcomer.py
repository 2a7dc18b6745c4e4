"""A DAG that the second Airflow gets to see in the middle of a restore, and that starts unpaused there."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from drill_moved import DAG, EmptyOperator

START = datetime.fromisoformat(os.environ["LIVING_START"])

with DAG(
    "newcomer",
    start_date=START,
    schedule=timedelta(hours=1),
    catchup=True,
    is_paused_upon_creation=False,
):
    EmptyOperator(task_id="nothing")
