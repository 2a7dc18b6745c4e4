"""DAGs that the second Airflow gets to see only after, or while, it is restored."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from drill_moved import DAG, EmptyOperator

START = datetime.fromisoformat(os.environ["LIVING_START"])

for name in ("late_active", "late_paused"):
    with DAG(name, start_date=START, schedule=timedelta(hours=1), catchup=True):
        EmptyOperator(task_id="nothing")
