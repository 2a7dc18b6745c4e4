"""What is promised of each table of the metadata database, of Airflow 2 and of Airflow 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from drill.snapshot import IDENTITY

NOT_CARRIED = frozenset(
    {
        "_xcom_archive",
        "ab_register_user",
        "alembic_version",
        "alembic_version_fab",
        "asset_active",
        "asset_trigger",
        "asset_watcher",
        "callback",
        "callback_request",
        "connection_test_request",
        "dag_bundle_team",
        "dag_favorite",
        "dag_owner_attributes",
        "dag_pickle",
        "dag_priority_parsing_request",
        "dag_schedule_asset_alias_reference",
        "dag_schedule_asset_name_reference",
        "dag_schedule_asset_reference",
        "dag_schedule_asset_uri_reference",
        "dag_schedule_dataset_alias_reference",
        "dag_schedule_dataset_reference",
        "dag_tag",
        "dag_warning",
        "deadline",
        "deadline_alert",
        "import_error",
        "revoked_token",
        "session",
        "task_inlet_asset_reference",
        "task_outlet_asset_reference",
        "task_outlet_dataset_reference",
        "trigger",
    }
)
"""Sessions, triggers, callbacks, what the target makes itself when it parses its DAG files, and deadlines: only resumed
runs have any, and a drill resumes none."""

BY_HASH = {
    "dag_version": ("dag_id", "dag_hash"),
    **dict.fromkeys(("serialized_dag", "dag_code"), ("dag_id", "dag_version_id")),
}
"""Versions of DAGs are told by the hash of their serialized DAG: the columns that are compared."""

IN_2_BY_THE_PARSER = frozenset({"serialized_dag", "dag_code"})
"""What belongs to no version in Airflow 2, where there is none."""

OF_RUNS = frozenset(
    {
        "backfill_dag_run",
        "dag_run",
        "dag_run_note",
        "dagrun_asset_event",
        "dagrun_dataset_event",
        "hitl_detail",
        "hitl_detail_history",
        "rendered_task_instance_fields",
        "task_fail",
        "task_instance",
        "task_instance_history",
        "task_instance_note",
        "task_map",
        "task_reschedule",
        "task_state_store",
        "xcom",
    }
)
"""Tables whose rows belong to one DAG run and share its fate."""

KEPT_BY: dict[str, tuple[str, ...]] = {
    **{
        table: IDENTITY[table]
        for table in IDENTITY
        if table not in (*OF_RUNS, "dataset_event", "asset_event", "trigger")
    },
    **BY_HASH,
    "ab_group_role": ("group_id", "role_id"),
    "ab_permission_view_role": ("permission_view_id", "role_id"),
    "ab_user_group": ("user_id", "group_id"),
    "ab_user_role": ("user_id", "role_id"),
    "asset_alias_asset": ("alias_id", "asset_id"),
    "asset_alias_asset_event": ("alias_id", "event_id"),
    "asset_dag_run_queue": ("asset_id", "target_dag_id"),
    "asset_state_store": ("asset_id", "key"),
    "connection": ("conn_id",),
    "dag_bundle": ("name",),
    "dataset_alias_dataset": ("alias_id", "dataset_id"),
    "dataset_alias_dataset_event": ("alias_id", "event_id"),
    "dataset_dag_run_queue": ("dataset_id", "target_dag_id"),
    "sla_miss": ("task_id", "dag_id", "execution_date"),
    "variable": ("key",),
}
"""Tables in which a row that is there stays, and the columns that say whether it is there."""

REPLACED_BY = {"slot_pool": ("pool",), "dag": ("dag_id",)}
"""Tables in which the backup's row takes the place of the one that is there."""

ADDED = frozenset({"asset_event", "dataset_event", "log", "partitioned_asset_key_log"})
"""Tables without a natural key: rows that are not there yet are added, equal rows as often as they were."""


def rows_of(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Table -> the rows that a backup has of it, in all its files."""
    rows: Counter[str] = Counter()
    for file in manifest["tables"]:
        rows[file["table"]] += file["rows"]
    return dict(rows)
