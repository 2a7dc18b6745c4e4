"""Airflow 3.2: partitions of assets, deadlines with callbacks of their own, teams by their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mwaa_dr.framework.model.conditions import (
    ALL,
    NOT_STARTED,
    OF_DEADLINES,
    OF_NOT_STARTED,
    OF_RUNS_IN_FLIGHT,
    PARTITION_STARTED_SINCE,
)
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_4.tables.runs import NO_TRIGGER
from mwaa_dr.v_2_4.tables.skipped import PARSED_AGAIN
from mwaa_dr.v_3_0.tables.assets import TO_ASSET
from mwaa_dr.v_3_1.dr_factory import DRFactory_3_1

# What a run was made of is told by the events of that run; only what waits for more is of use.
ASSET_PARTITION_DAG_RUN = Table(
    "asset_partition_dag_run",
    Merge.MATCH,
    key=("target_dag_id", "partition_key", "created_at"),
    surrogate="id",
    where=NOT_STARTED,
    fixed={"created_dag_run_id": "NULL"},
    emptied=ALL,
    superseded=PARTITION_STARTED_SINCE,
)

PARTITIONED_ASSET_KEY_LOG = Table(
    "partitioned_asset_key_log",
    Merge.MATCH,
    surrogate="id",
    within="created_at",
    references=(
        TO_ASSET,
        Reference("asset_event_id", "asset_event", Missing.DROP),
        Reference("asset_partition_dag_run_id", "asset_partition_dag_run", Missing.DROP),
    ),
    where=OF_NOT_STARTED,
    emptied=ALL,
)

HITL_DETAIL_HISTORY = Table(
    "hitl_detail_history",
    Merge.RUN_CHILD,
    run=("ti_history_id",),
    parent="task_instance_history",
    parent_key="task_instance_id",
)

DEADLINE_ALERT = Table(
    "deadline_alert",
    Merge.MATCH,
    key=("serialized_dag_id",),
    surrogate="id",
    is_uuid=True,
    references=(Reference("serialized_dag_id", "serialized_dag", Missing.DROP, inserted_only=True),),
)

CALLBACK = Table(
    "callback",
    Merge.MATCH,
    key=("created_at",),
    surrogate="id",
    is_uuid=True,
    where=OF_DEADLINES,
    fixed=NO_TRIGGER,
)

DEADLINE = Table(
    "deadline",
    Merge.RUN_CHILD,
    run=("dagrun_id",),
    references=(Reference("callback_id", "callback", Missing.DROP), Reference("deadline_alert_id", "deadline_alert")),
    where=OF_RUNS_IN_FLIGHT,
    gone=("callback", "callback_state", "trigger_id"),
)

OF_TEAM: Mapping[str, Any] = {"references": (Reference("team_name", "team"),), "gone": ("team_id",)}


class DRFactory_3_2(DRFactory_3_1):
    """Airflow 3.2 parts callbacks and deadlines (migration b87d2135fa50), names teams, and ends at 1d6611b6ab7c."""

    tables: ClassVar[Tables] = (
        DRFactory_3_1.tables.add(
            ASSET_PARTITION_DAG_RUN,
            PARTITIONED_ASSET_KEY_LOG,
            HITL_DETAIL_HISTORY,
            DEADLINE_ALERT,
            CALLBACK,
            DEADLINE,
        )
        .change("team", surrogate="", is_uuid=False, gone=("id",))
        .change("variable", **OF_TEAM, filled={"key": "''", "val": "''", "is_encrypted": "false"})
        .change("connection", **OF_TEAM, filled={"is_encrypted": "false", "is_extra_encrypted": "false"})
        .change("slot_pool", **OF_TEAM, filled={"slots": "0"})
        .change("log", filled={"event": "''"})
        .change("task_instance", filled={"try_number": "0", "max_tries": "-1"})
        .change(
            "dag",
            filled={"is_paused": "false", "is_stale": "false"},
            added={"timetable_type": "''"},
            fixed={"next_dagrun_partition_key": "NULL", "next_dagrun_partition_date": "NULL"},
        )
        .forget("asset_trigger", "callback_request")
        .skip(
            asset_watcher=PARSED_AGAIN,
            revoked_token="logins to the old environment that ended early",  # noqa: S106 - a reason, no password
        )
    )
