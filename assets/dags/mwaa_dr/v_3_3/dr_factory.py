"""Airflow 3.3: what tasks and assets remember."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.model.conditions import ALL
from mwaa_dr.framework.model.table import Merge, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_4.tables.runs import RUN
from mwaa_dr.v_3_0.tables.assets import TO_ASSET
from mwaa_dr.v_3_2.dr_factory import DRFactory_3_2

TASK_STATE_STORE = Table("task_state_store", Merge.RUN_CHILD, run=RUN, run_surrogate="dag_run_id", surrogate="id")

ASSET_STATE_STORE = Table(
    "asset_state_store", Merge.MATCH, key=("asset_id", "key"), references=(TO_ASSET,), emptied=ALL
)


class DRFactory_3_3(DRFactory_3_2):
    """Airflow 3.3 keeps states of tasks and assets (migration fde9ed84d07b), and ends at d2f4e1b3c5a7."""

    tables: ClassVar[Tables] = (
        DRFactory_3_2.tables.add(TASK_STATE_STORE, ASSET_STATE_STORE)
        .change("dag", added={"partition_mapper_info": "'[]'"})
        .skip(connection_test_request="somebody's wish to try a connection, and its secret, gone after a moment")
    )
