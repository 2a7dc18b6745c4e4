"""An environment's Airflow from outside: the CLI endpoint of its web server (2.x) or InvokeRestApi (3.x)."""

from __future__ import annotations

from collections.abc import Mapping

from lib.functions.airflow_client.airflow import Airflow, Changed, DagRun, Run
from lib.functions.airflow_client.by_cli import AirflowByCli
from lib.functions.airflow_client.by_rest import AirflowByRest

__all__ = ["Airflow", "Changed", "DagRun", "Run", "airflow_of"]


def airflow_of(environment: Mapping[str, str], version: str) -> Airflow:
    """The Airflow of `{"name", "region"}`; nothing is called yet."""
    by = AirflowByCli if int(version.partition(".")[0]) < 3 else AirflowByRest
    return by(environment["name"], environment["region"])
