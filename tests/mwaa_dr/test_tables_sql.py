"""The SQL that tables declare, run by a real PostgreSQL with the schema of each version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a small name

from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.versions import factory_for
from tests.conftest import Database
from tests.support.schemas import schema, versions

SCHEMAS = versions()
OURS = ["backup_metadata", "restore_metadata"]
DAY = "2024-01-01"
DAG = {"max_active_tasks": 1, "has_task_concurrency_limits": False, "max_consecutive_failed_dag_runs": 0}
RUN = {"run_id": "r", "execution_date": DAY, "run_type": "manual"}


def tables_of(version: str) -> Tables:
    return factory_for(version.partition("-")[0]).tables.present(schema(version)["tables"])


@contextmanager
def cursor_of(url: str) -> Iterator[Cursor]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        yield cursor


def conditions_of(table: Table) -> list[str]:
    return [
        condition
        for condition in (table.where, table.environment_bound, table.emptied, *table.redact.values())
        if condition
    ]


def keys_of(table: Table) -> list[str]:
    return [expression for key in (table.key, *table.other_keys) for expression in key]


@pytest.mark.parametrize("version", SCHEMAS)
def test_postgres_accepts_every_condition_key_and_value(version: str, database: Database) -> None:
    with cursor_of(database(version)) as cursor:
        for table in tables_of(version):
            name = sql.Identifier(table.name)
            for condition in conditions_of(table):
                for ours in ([], OURS):
                    where = sql.SQL("SELECT FROM {} WHERE {}").format(name, sql.SQL(condition))
                    cursor.execute(where, {"ours": ours})
            if table.superseded:
                cursor.execute(sql.SQL("DELETE FROM {} s WHERE {}").format(name, sql.SQL(table.superseded)))
            for key in keys_of(table):
                cursor.execute(sql.SQL("SELECT {} FROM {}").format(sql.SQL(key), name))
            for column, value in {**table.fixed, **table.added, **table.filled}.items():
                cursor.execute(sql.SQL("UPDATE {} SET {} = {}").format(name, sql.Identifier(column), sql.SQL(value)))


def test_only_the_ids_of_our_dags_are_a_parameter() -> None:
    for version in SCHEMAS:
        for table in tables_of(version):
            fragments = [
                *conditions_of(table),
                *keys_of(table),
                *table.fixed.values(),
                *table.added.values(),
                *table.filled.values(),
            ]
            assert not any("%" in fragment.replace("%(ours)s", "") for fragment in fragments), table.name


def insert(cursor: Cursor, table: str, **values: Any) -> None:
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        ),
        values,
    )


def meant(cursor: Cursor, table: str, condition: str, column: str) -> list[Any]:
    """The values of a column where the condition holds; it must be true or false for every row."""
    statement = sql.SQL("SELECT {}, ({}) FROM {} ORDER BY 1").format(
        sql.Identifier(column), sql.SQL(condition), sql.SQL(table)
    )
    cursor.execute(statement, {"ours": OURS})
    rows = cursor.fetchall()
    assert {holds for _, holds in rows} <= {True, False}
    return [value for value, holds in rows if holds]


@pytest.fixture
def airflow(database: Database) -> Iterator[Cursor]:
    with cursor_of(database("2.10.3")) as cursor:
        yield cursor


def table(name: str) -> Table:
    return factory_for("2.10.3").tables[name]


def test_jobs_that_ended_or_were_given_up_are_kept(airflow: Cursor) -> None:
    jobs = [("a", "success", True), ("b", "failed", False), ("c", None, True)]
    for name, state, ended in [
        *jobs,
        ("d", "running", False),
        ("e", "restarting", False),
        ("f", None, False),
    ]:
        insert(airflow, "job", hostname=name, state=state, end_date=DAY if ended else None)
    assert meant(airflow, "job", table("job").where, "hostname") == ["a", "b", "c"]


def test_only_log_templates_of_runs_are_kept(airflow: Cursor) -> None:
    for number in (1, 2, 3):
        insert(airflow, "log_template", id=number, filename="f", elasticsearch_id="e", created_at=DAY)
    for dag_id, template in (("new", 2), ("from_airflow_2_2", None)):
        insert(airflow, "dag_run", dag_id=dag_id, log_template_id=template, **RUN)
    assert meant(airflow, "log_template", table("log_template").where, "id") == [2]


def test_only_variables_whose_key_starts_with_our_prefix_belong_to_one_environment(airflow: Cursor) -> None:
    for key in ("DR_BACKUP_BUCKET", "DR_", "DRX_NOT_OURS", "dr_lower", "MY_DR_KEY", None):
        insert(airflow, "variable", key=key)
    assert meant(airflow, "variable", table("variable").environment_bound, "key") == [
        "DR_",
        "DR_BACKUP_BUCKET",
    ]


def test_cleanup_leaves_the_default_pool(airflow: Cursor) -> None:
    for pool in ("default_pool", "mine"):
        insert(airflow, "slot_pool", pool=pool, include_deferred=False)
    assert meant(airflow, "slot_pool", table("slot_pool").emptied, "pool") == ["mine"]


def test_an_event_that_the_target_has_answered_since_waits_no_longer(airflow: Cursor) -> None:
    insert(airflow, "dataset", id=1, uri="s3://sales", extra="{}", created_at=DAY, updated_at=DAY)
    runs = {"answered": ("dataset_triggered", "2024-01-03"), "before": ("dataset_triggered", DAY)}
    for dag_id, (kind, queued_at) in {**runs, "by_hand": ("manual", "2024-01-03")}.items():
        insert(airflow, "dag", dag_id=dag_id, **DAG)
        insert(airflow, "dag_run", dag_id=dag_id, **{**RUN, "run_type": kind}, queued_at=queued_at)
        insert(airflow, "dataset_dag_run_queue", dataset_id=1, target_dag_id=dag_id, created_at="2024-01-02")
    queue = "dataset_dag_run_queue"
    assert meant(airflow, f"{queue} s", table(queue).superseded, "target_dag_id") == ["answered"]


def test_our_own_dags_belong_to_one_environment(airflow: Cursor) -> None:
    for dag_id in ("backup_metadata", "their_dag"):
        insert(airflow, "dag", dag_id=dag_id, **DAG)
    assert meant(airflow, "dag", table("dag").environment_bound, "dag_id") == ["backup_metadata"]


def test_the_conf_of_our_own_runs_is_left_out(airflow: Cursor) -> None:
    for dag_id in ("restore_metadata", "their_dag"):
        insert(airflow, "dag_run", dag_id=dag_id, **RUN)
    assert meant(airflow, "dag_run", table("dag_run").redact["conf"], "dag_id") == ["restore_metadata"]


def test_the_rendered_fields_of_our_own_dags_are_left_out(airflow: Cursor) -> None:
    for dag_id in ("restore_metadata", "their_dag"):
        task = {"dag_id": dag_id, "task_id": "t", "run_id": "r"}
        insert(airflow, "dag_run", dag_id=dag_id, **RUN)
        insert(airflow, "task_instance", **task, pool="default_pool", pool_slots=1)
        insert(airflow, "rendered_task_instance_fields", **task, rendered_fields="{}")
    kept = table("rendered_task_instance_fields").where
    assert meant(airflow, "rendered_task_instance_fields", kept, "dag_id") == ["their_dag"]


@pytest.mark.parametrize(
    ("dag_id", "extra", "left_out"),
    [
        ("restore_metadata", '{"bucket": "b"}', True),
        (
            None,
            """{"full_command": "['airflow', 'dags', 'trigger', '-c', '{\\"task_token\\": \\"AQ\\"}']"}""",
            True,
        ),
        ("their_dag", "conf=%7B%22task_token%22%3A%22AQ%22%7D", True),
        ("their_dag", '{"bucket": "b"}', False),
        ("their_dag", None, False),
        (None, None, False),
        (None, "", False),
    ],
)
def test_a_task_token_is_left_out_of_the_audit_log(
    airflow: Cursor, dag_id: str | None, extra: str | None, left_out: bool
) -> None:
    insert(airflow, "log", event="e", dag_id=dag_id, extra=extra)
    assert meant(airflow, "log", table("log").redact["extra"], "event") == ["e"] * left_out
