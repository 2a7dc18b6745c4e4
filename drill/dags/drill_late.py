"""A DAG that the second Airflow gets to see only after the restore."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from drill_moved import DAG, IN_AIRFLOW_3, Dataset, PythonOperator


def pull(ti: Any) -> str:
    """Pull from this run, and from the history of another DAG."""
    here = ti.xcom_pull(task_ids="push")
    # Airflow 3.3 looks for the date of this run among the runs of the other DAG.
    when = {"run_id": "drill~drill_xcoms+1"} if IN_AIRFLOW_3 else {"include_prior_dates": True}
    history = ti.xcom_pull(dag_id="drill_xcoms", task_ids="push", key="large", **when) or ""
    return f"{here}, and {len(history)} characters of history"


with DAG("drill_late", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), schedule=None):
    push = PythonOperator(
        task_id="push", python_callable=lambda: "from before", outlets=[Dataset("s3://drill/late", extra={"a": "é"})]
    )
    push >> PythonOperator(task_id="pull", python_callable=pull)
