"""A DAG that the second environment gets to see only after the restore."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow import DAG
from airflow.datasets import Dataset
from airflow.operators.python import PythonOperator


def pull(ti: Any) -> str:
    """Pull from this run, and from the history of another DAG."""
    here = ti.xcom_pull(task_ids="push")
    history = ti.xcom_pull(dag_id="drill_xcoms", task_ids="push", key="large", include_prior_dates=True) or ""
    return f"{here}, and {len(history)} characters of history"


with DAG("drill_late", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), schedule=None):
    push = PythonOperator(
        task_id="push", python_callable=lambda: "from before", outlets=[Dataset("s3://drill/late", extra={"a": "é"})]
    )
    push >> PythonOperator(task_id="pull", python_callable=pull)
