"""Airflow 2.9: DAGs that pause themselves after some failures."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_8.dr_factory import DRFactory_2_8


class DRFactory_2_9(DRFactory_2_8):
    """Airflow 2.9 can pause a DAG after so many failed runs, 0: never (migration 8e1c784a4fc7)."""

    tables: ClassVar[Tables] = DRFactory_2_8.tables.change("dag", added={"max_consecutive_failed_dag_runs": "0"})
