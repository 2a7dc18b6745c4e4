"""Airflow 2.8: runs that count how often they were cleared."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_7.dr_factory import DRFactory_2_7


class DRFactory_2_8(DRFactory_2_7):
    """Airflow 2.8 counts how often a run was cleared (migration 375a816bbbf4)."""

    tables: ClassVar[Tables] = DRFactory_2_7.tables.change("dag_run", added={"clear_number": "0"})
