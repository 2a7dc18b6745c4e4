"""The names that moved between Airflow 2 and 3, for the DAG files beside this one."""

from __future__ import annotations

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.providers.standard.sensors.python import PythonSensor
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk import DAG, BaseOperator, task
    from airflow.sdk import Asset as Dataset

    IN_AIRFLOW_3 = True
except ImportError:
    from airflow import DAG
    from airflow.datasets import Dataset
    from airflow.decorators import task
    from airflow.models.baseoperator import BaseOperator
    from airflow.operators.empty import EmptyOperator
    from airflow.operators.python import PythonOperator
    from airflow.sensors.python import PythonSensor
    from airflow.triggers.temporal import TimeDeltaTrigger

    IN_AIRFLOW_3 = False

__all__ = [
    "DAG",
    "IN_AIRFLOW_3",
    "BaseOperator",
    "Dataset",
    "EmptyOperator",
    "PythonOperator",
    "PythonSensor",
    "TimeDeltaTrigger",
    "task",
]
