"""What mwaa-dr 1.x and 2.x (aws-samples) write: the columns of its files, which have no header.

Read in its releases 1.0.0 to 2.2.0. The number of columns of a file tells its layout, and the oldest Airflow
that has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The columns of one file."""

    columns: tuple[str, ...]
    since: tuple[int, int] = (2, 4)
    """The oldest Airflow that it comes from."""


def _layout(columns: str, since: tuple[int, int] = (2, 4)) -> Layout:
    return Layout(tuple(columns.split()), since)


_RUN_HEAD = "conf creating_job_id dag_hash dag_id data_interval_end data_interval_start end_date execution_date"
_RUN_TAIL = "external_trigger last_scheduling_decision log_template_id queued_at run_id run_type start_date state"
_RUN = f"{_RUN_HEAD} {_RUN_TAIL}"
_TASK_KEY = "dag_id map_index run_id task_id"
_TASK_END = "duration end_date"
_TASK_MIDDLE = (
    "executor_config external_executor_id hostname job_id max_tries next_kwargs next_method operator pid pool"
    " pool_slots priority_weight queue queued_by_job_id queued_dttm"
)
_TASK_LAST = "trigger_id trigger_timeout try_number unixname"
_LOG_HEAD = "dag_id dttm event execution_date extra map_index owner"

CONFIGURATION: Mapping[str, tuple[Layout, ...]] = {
    "variable": (_layout("key val description"),),
    "connection": (_layout("conn_id conn_type description extra host login password port schema"),),
}
"""Always with commas; values are in plain text."""

TABLES: Mapping[str, tuple[Layout, ...]] = {
    "slot_pool": (
        _layout("description pool slots"),
        _layout("description include_deferred pool slots", (2, 7)),
    ),
    "job": (_layout("dag_id end_date executor_class hostname job_type latest_heartbeat start_date state unixname"),),
    "dag_run": (
        _layout(_RUN),
        _layout(f"{_RUN} updated_at", (2, 5)),
        _layout(f"clear_number {_RUN} updated_at", (2, 8)),
    ),
    "task_instance": (
        _layout(f"{_TASK_KEY} {_TASK_END} {_TASK_MIDDLE} start_date state {_TASK_LAST}"),
        _layout(f"{_TASK_KEY} {_TASK_END} {_TASK_MIDDLE} start_date state {_TASK_LAST} updated_at", (2, 5)),
        _layout(
            f"{_TASK_KEY} custom_operator_name {_TASK_END} {_TASK_MIDDLE} start_date state {_TASK_LAST} updated_at",
            (2, 7),
        ),
        _layout(
            f"{_TASK_KEY} custom_operator_name {_TASK_END} {_TASK_MIDDLE} rendered_map_index start_date state"
            f" task_display_name {_TASK_LAST} updated_at",
            (2, 9),
        ),
        _layout(
            f"{_TASK_KEY} custom_operator_name {_TASK_END} executor {_TASK_MIDDLE} rendered_map_index start_date state"
            f" task_display_name {_TASK_LAST} updated_at",
            (2, 10),
        ),
    ),
    "task_fail": (_layout("dag_id duration end_date map_index run_id start_date task_id"),),
    "xcom": (_layout("dag_run_id key map_index task_id dag_id run_id timestamp value"),),
    "log": (
        _layout(f"{_LOG_HEAD} task_id"),
        _layout(f"{_LOG_HEAD} owner_display_name task_id", (2, 8)),
        _layout(f"{_LOG_HEAD} owner_display_name run_id task_id", (2, 9)),
        _layout(f"{_LOG_HEAD} owner_display_name run_id task_id try_number", (2, 10)),
    ),
}
"""With `|` from 2.0.0 on, with commas before; in an order in which each comes after those it refers to."""

ACTIVE_DAGS = "active_dag"
"""One id of an active DAG on each line, as it is."""
TRIGGERS = "trigger"
"""Without ids, and encrypted for the old environment from Airflow 2.9 on."""


def layout_of(table: str, columns: int) -> Layout | None:
    """The layout of a table's file with so many columns."""
    known = {**CONFIGURATION, **TABLES}[table]
    return next((layout for layout in known if len(layout.columns) == columns), None)
