"""All rows of a metadata database, comparable across databases: surrogate keys replaced by what they stand for."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2
from psycopg2 import sql

Row = dict[str, str | None]
Rows = dict[str, list[Row]]
"""Table -> its rows; values as PostgreSQL writes them as text, in UTC."""

SURROGATE = "id"
"""The name of every column that is numbered by a sequence, and of the UUIDs of Airflow 3."""

IDENTITY: Mapping[str, tuple[str, ...]] = {
    "ab_group": ("name",),
    "ab_permission": ("name",),
    "ab_permission_view": ("permission_id", "view_menu_id"),
    "ab_role": ("name",),
    "ab_user": ("username",),
    "ab_view_menu": ("name",),
    "asset": ("name", "uri"),
    "asset_alias": ("name",),
    "asset_event": (
        "asset_id",
        "source_dag_id",
        "source_task_id",
        "source_run_id",
        "source_map_index",
        "timestamp",
    ),
    "asset_partition_dag_run": ("target_dag_id", "partition_key", "created_at"),
    "backfill": ("dag_id", "created_at"),
    "dag_run": ("dag_id", "run_id"),
    "dag_version": ("dag_id", "dag_hash"),
    "dataset": ("uri",),
    "dataset_alias": ("name",),
    "dataset_event": (
        "dataset_id",
        "source_dag_id",
        "source_task_id",
        "source_run_id",
        "source_map_index",
        "timestamp",
    ),
    "job": ("job_type", "hostname", "unixname", "start_date", "dag_id"),
    "log_template": ("filename", "elasticsearch_id"),
    "team": ("name",),
    "task_instance": ("dag_id", "task_id", "run_id", "map_index"),
    "trigger": ("id",),
}
"""What says which row is meant, for each table that others point at."""

POINTERS: Mapping[str, str | tuple[str, str]] = {
    "alias_id": ("dataset_alias", "asset_alias"),
    "asset_event_id": "asset_event",
    "asset_id": "asset",
    "asset_partition_dag_run_id": "asset_partition_dag_run",
    "backfill_id": "backfill",
    "changed_by_fk": "ab_user",
    "created_by_fk": "ab_user",
    "created_dag_run_id": "dag_run",
    "created_dag_version_id": "dag_version",
    "creating_job_id": "job",
    "dag_run_id": "dag_run",
    "dag_version_id": "dag_version",
    "dataset_id": "dataset",
    "event_id": ("dataset_event", "asset_event"),
    "group_id": "ab_group",
    "job_id": "job",
    "log_template_id": "log_template",
    "permission_id": "ab_permission",
    "permission_view_id": "ab_permission_view",
    "queued_by_job_id": "job",
    "role_id": "ab_role",
    "scheduled_by_job_id": "job",
    "team_id": "team",
    "ti_id": "task_instance",
    "trigger_id": "trigger",
    "triggerer_id": "job",
    "user_id": "ab_user",
    "view_menu_id": "ab_view_menu",
}
"""Column -> the table whose surrogate key it holds, with or without a foreign key; that of Airflow 2 and that of 3."""


def read(url: str) -> Rows:
    """Read every table of a database in one snapshot, keys as they are."""
    connection = psycopg2.connect(url)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            return read_from(cursor)
    finally:
        connection.close()


def read_from(cursor: psycopg2.extensions.cursor) -> Rows:
    """Read every table as the transaction of a cursor sees it, keys as they are."""
    cursor.execute("SET TIME ZONE 'UTC'")
    cursor.execute(
        "SELECT table_name, array_agg(column_name::text ORDER BY column_name),"
        " array_agg(data_type = 'json' ORDER BY column_name)"
        " FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1"
    )
    return {table: _rows(cursor, table, columns, are_json) for table, columns, are_json in cursor.fetchall()}


def identity(table: str, row: Row) -> str:
    """The words for a resolved row that others point at."""
    return f"{table}({', '.join(str(row[column]) for column in IDENTITY[table])})"


def resolve(rows: Rows) -> Rows:
    """Replace each surrogate key by the identity of the row that it stands for, and leave out the key itself.

    A key that stands for no row becomes `nothing: <table> <key>`, which equals no other.
    """
    rows = _with_hashes(rows)
    named = {
        table: {str(row[SURROGATE]): row for row in rows[table] if SURROGATE in row}
        for table in IDENTITY
        if table in rows
    }

    def resolved(row: Row) -> Row:
        task = named.get("task_instance", {}).get(str(row.get("ti_id")), {})
        return {
            **{column: task[column] for column in ("dag_id", "run_id") if column in task},
            **{
                column: meant(POINTERS[column], value) if value is not None and column in POINTERS else value
                for column, value in row.items()
                if column != SURROGATE
            },
        }

    def meant(tables: str | tuple[str, str], key: str) -> str:
        table = tables if isinstance(tables, str) else next(name for name in tables if name in named)
        row = named.get(table, {}).get(key)
        if row is None:
            return f"nothing: {table} {key}"
        return identity(table, {**resolved(row), SURROGATE: key})

    return {table: [resolved(row) for row in found] for table, found in rows.items()}


def _with_hashes(rows: Rows) -> Rows:
    """Tell each version of a DAG by what it says: its number counts in one environment."""
    hashes = {row.get("dag_version_id"): row["dag_hash"] for row in rows.get("serialized_dag", [])}
    versions = [{**row, "dag_hash": hashes.get(row[SURROGATE])} for row in rows.get("dag_version", [])]
    return {**rows, "dag_version": versions} if versions else rows


def sequences_behind(url: str) -> list[str]:
    """The columns whose sequence would hand out a key that is taken already."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, column_name, substring(column_default from '''(.*)''')"
                " FROM information_schema.columns"
                " WHERE table_schema = 'public' AND column_default LIKE 'nextval(%'"
                # A newer FAB auth manager asks its sequences itself.
                " UNION SELECT table_name, column_name, sequence_name"
                " FROM information_schema.columns JOIN information_schema.sequences"
                " ON sequence_name = table_name || '_' || column_name || '_seq'"
                " WHERE table_name LIKE 'ab\\_%' AND column_default IS NULL"
            )
            return [
                f"{table}.{column}"
                for table, column, sequence in cursor.fetchall()
                if _is_behind(cursor, table, column, sequence)
            ]
    finally:
        connection.close()


def _rows(cursor: psycopg2.extensions.cursor, table: str, columns: list[str], are_json: list[bool]) -> list[Row]:
    # An upgraded database keeps as json, with its spaces, what a fresh one has as jsonb.
    chosen = sql.SQL(", ").join(
        sql.SQL("{}::jsonb::text" if is_json else "{}::text").format(sql.Identifier(column))
        for column, is_json in zip(columns, are_json, strict=True)
    )
    cursor.execute(sql.SQL("SELECT {} FROM {}").format(chosen, sql.Identifier(table)))
    return [dict(zip(columns, values, strict=True)) for values in cursor.fetchall()]


def _is_behind(cursor: psycopg2.extensions.cursor, table: str, column: str, sequence: str) -> bool:
    cursor.execute(
        sql.SQL(
            "SELECT coalesce((SELECT max({column}) FROM {table}), 0) >= last_value + is_called::int FROM {sequence}"
        ).format(
            column=sql.Identifier(column),
            table=sql.Identifier(table),
            sequence=sql.Identifier(*sequence.replace('"', "").split(".")),
        )
    )
    found = cursor.fetchone()
    return bool(found and found[0])
