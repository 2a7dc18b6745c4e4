"""Airflow 2.5: notes."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.model.table import Merge, Reference, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_4.dr_factory import DRFactory_2_4
from mwaa_dr.v_2_4.tables.runs import RUN

AUTHOR = (Reference("user_id", "ab_user"),)
DAG_RUN_NOTE = Table("dag_run_note", Merge.RUN_CHILD, run=("dag_run_id",), references=AUTHOR)
TASK_INSTANCE_NOTE = Table("task_instance_note", Merge.RUN_CHILD, run=RUN, parent="task_instance", references=AUTHOR)


class DRFactory_2_5(DRFactory_2_4):
    """Airflow 2.5 lets people write notes on runs and tasks (migration 1986afd32c1b)."""

    tables: ClassVar[Tables] = DRFactory_2_4.tables.add(DAG_RUN_NOTE, TASK_INSTANCE_NOTE)
